/** Which keys the deployed nodes of a store name as fixed text, since the store itself can list none. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { variableIn } from '../message/environment-value';
import { TextTemplate } from '../message/text-template';
import { fieldText } from '../words/field-text';
import type { KeyKind, NamedKey } from './protocol';

const MOST_NODES = 50;
/** Of a lock or role whose node says nothing else, in seconds. */
const USUAL_LEASE = 10;

/** What is saved of our nodes, as far as it names keys. */
type KeyDef = NodeDef & {
  d?: boolean;
  store?: string;
  key?: string;
  keyType?: string;
  lock?: string;
  lockType?: string;
  role?: string;
  mode?: string;
  keys?: string;
  lease?: string | number;
  duration?: string | number;
};

interface Mention {
  text: string | undefined;
  kind: KeyKind;
  seconds?: string | number | undefined;
}

/** The keys that nodes of this store name, each once, in the order of the flow. */
export function namedKeys(RED: NodeAPI, storeId: string): NamedKey[] {
  const named = new Map<string, NamedKey>();
  RED.nodes.eachNode((def: KeyDef) => {
    if (def.store !== storeId || def.d) return;
    for (const { text, kind, seconds } of mentions(def)) {
      const key = text ? resolved(RED, def.id, text) : undefined;
      if (!key) continue;
      const known = named.get(key) ?? { key, kind, nodes: [] };
      named.set(key, known);
      if (kind !== 'key') {
        known.kind = kind;
        known.lease = (Number(seconds) || USUAL_LEASE) * 1000;
      }
      if (known.nodes.length < MOST_NODES)
        known.nodes.push({ id: def.id, type: def.type, name: def.name ?? '' });
    }
  });
  return [...named.values()];
}

/** The fixed texts in a node's fields for keys. */
function mentions(def: KeyDef): Mention[] {
  const key = def.keyType === 'str' ? fixedText(def.key) : undefined;
  const listed = def.keyType === 'json' ? listIn(def.key ?? '') : [];
  switch (def.type) {
    case 'statestore-set':
    case 'statestore-get':
    case 'statestore-delete':
      return [key, ...listed].map((text) => ({ text, kind: 'key' }));
    case 'statestore-update': {
      const lock = def.lockType === 'str' ? fixedText(def.lock) : undefined;
      return [
        { text: key, kind: 'key' },
        { text: lock, kind: 'lock', seconds: def.duration },
      ];
    }
    case 'statestore-observe':
      if (def.mode === 'messages') return [];
      return (def.keys ?? '').split('\n').map((line) => ({ text: line.trim(), kind: 'key' }));
    case 'statestore-lock':
      return [{ text: key, kind: 'lock', seconds: def.lease }];
    case 'statestore-leader':
      return [{ text: def.role?.trim(), kind: 'role', seconds: def.lease }];
    default:
      return [];
  }
}

/** What is no template, which names another key for every message. */
function fixedText(text: string | undefined): string | undefined {
  return text !== undefined && TextTemplate.is(text) ? undefined : text;
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

/** Node-RED puts in `${NAME}` when it makes the node; a template of a subflow has no values for it. */
function resolved(RED: NodeAPI, id: string, text: string): string | undefined {
  const variable = variableIn(text);
  if (variable === undefined) return text;
  const node = RED.nodes.getNode(id) as Node | null;
  if (!node) return undefined;
  const value: unknown = RED.util.evaluateNodeProperty(variable, 'env', node, {});
  return fieldText(value);
}
