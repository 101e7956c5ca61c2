/** Which keys the deployed nodes of a store name as fixed text, since the store itself cannot list its keys. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { variablesIn } from '../message/environment';
import { NodeSettings } from '../message/node-settings';
import { TextTemplate } from '../message/text-template';
import type { StoreNode } from '../store/store';
import { fieldText } from '../words/field-text';
import type { KeyKind, NamedKey } from './protocol';

const MAX_NODES = 50;
/** Of a lock or role whose node has no other, in seconds. */
const USUAL_LEASE = 10;

/** What is saved of our nodes, as far as it names keys. An imported flow may have values of any type. */
type KeyDef = NodeDef & {
  d?: boolean;
  store?: unknown;
  key?: unknown;
  keyType?: unknown;
  lock?: unknown;
  lockType?: unknown;
  role?: unknown;
  mode?: unknown;
  keys?: unknown;
  lease?: unknown;
  duration?: unknown;
};

interface Mention {
  text: string;
  kind: KeyKind;
  seconds?: unknown;
}

/** The keys that nodes of this store name, each once, in the order of the flow. */
export function namedKeys(RED: NodeAPI, store: StoreNode): NamedKey[] {
  const named = new Map<string, NamedKey>();
  const id = store._alias ?? store.id;
  RED.nodes.eachNode((def: KeyDef) => {
    if (def.store !== id || def.d) return;
    for (const { text, kind, seconds } of mentions(def)) {
      const key = resolved(RED, def, store, text);
      if (!key) continue;
      const known = named.get(key) ?? { key, kind, nodes: [] };
      named.set(key, known);
      if (kind !== 'key') {
        known.kind = kind;
        known.lease = (Number(seconds) || USUAL_LEASE) * 1000;
      }
      if (known.nodes.length < MAX_NODES)
        known.nodes.push({ id: def.id, type: def.type, name: fieldText(def.name) });
    }
  });
  return [...named.values()];
}

/** The texts in a node's fields for keys. */
function mentions(def: KeyDef): Mention[] {
  const key = def.keyType === 'str' ? fieldText(def.key) : '';
  const listed = def.keyType === 'json' ? listIn(fieldText(def.key)) : [];
  switch (def.type) {
    case 'statestore-set':
    case 'statestore-get':
    case 'statestore-delete':
      return [key, ...listed].map((text) => ({ text, kind: 'key' }));
    case 'statestore-update': {
      const lock = def.lockType === 'str' ? fieldText(def.lock) : '';
      return [
        { text: key, kind: 'key' },
        { text: lock, kind: 'lock', seconds: def.duration },
      ];
    }
    case 'statestore-observe':
      if (def.mode === 'messages') return [];
      return fieldText(def.keys)
        .split('\n')
        .map((line) => ({ text: line.trim(), kind: 'key' }));
    case 'statestore-lock':
      return [{ text: key, kind: 'lock', seconds: def.lease }];
    case 'statestore-leader':
      return [{ text: fieldText(def.role).trim(), kind: 'role', seconds: def.lease }];
    default:
      return [];
  }
}

/** The texts of a list, or a text alone, in JSON. */
function listIn(json: string): string[] {
  try {
    const list: unknown[] = [JSON.parse(json)].flat();
    return list.filter((one) => typeof one === 'string');
  } catch {
    return [];
  }
}

/** The key that a text names, with its variables; `undefined` if it names another one for every message, or nothing. */
function resolved(RED: NodeAPI, def: KeyDef, store: StoreNode, text: string): string | undefined {
  if (!TextTemplate.is(text) && variablesIn(text).length === 0) return text;
  // A node in a subflow has the variables of the instance, as its store there has.
  const node = (store._alias === undefined ? RED.nodes.getNode(def.id) : store) as Node | null;
  if (!node) return undefined;
  try {
    return new NodeSettings(RED, node, 'get').key('key', text);
  } catch {
    return undefined;
  }
}
