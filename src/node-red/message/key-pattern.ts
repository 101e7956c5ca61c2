/** Keys that a node names by a pattern, for example `machine/*`, instead of one by one. */
import { isUtf8 } from 'node:buffer';
import type { Node, NodeAPI } from 'node-red';
import type { RequestOptions } from '../../client/options';
import type { StateStoreClient } from '../../client/state-store-client';
import { type Operation, StateStoreError } from '../../errors';
import { escapePattern } from '../../protocol/glob';
import { type Key, keyContext } from './key';
import { TypedProperty } from './typed-property';

/** The type of a key field that holds a pattern. */
export const PATTERN = 'pattern';

/** Of a node without a number of its own. */
const USUAL_LIMIT = 1000;
/** The requests for all of these keys must fit into the queue of a client. */
const MAX_LIMIT = 10_000;

interface KeyDef {
  key: string;
  keyType: string;
}

/** The key field of a node. In a pattern, values of the message stand for themselves: a `*` in them matches only a `*`. */
export function keyProperty(RED: NodeAPI, node: Node, { key: value, keyType: type }: KeyDef): TypedProperty {
  if (type !== PATTERN) return new TypedProperty(RED, node, 'key', { value, type, template: true });
  return new TypedProperty(RED, node, 'pattern', {
    value,
    type: 'str',
    template: true,
    escaped: escapePattern,
  });
}

/** The largest number of keys, 1 to 10,000; blank: 1,000. Throws `BAD_ARGUMENT` for another text. */
export function readLimit(text: unknown, operation: Operation): number {
  if (String(text ?? '').trim() === '') return USUAL_LIMIT;
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new StateStoreError(
    'BAD_ARGUMENT',
    {
      problem: `"Max. keys" of this node is ${JSON.stringify(text)}, but must be a whole number from 1 to ${MAX_LIMIT}`,
      advice: `Leave it blank for ${USUAL_LIMIT}.`,
    },
    { operation },
  );
}

/** All keys that match. Throws `BAD_ARGUMENT` if there are more than `limit`, before anything is read or deleted. */
export async function keysThatMatch(
  client: StateStoreClient,
  pattern: Key,
  { operation, limit, options }: { operation: 'get' | 'delete'; limit: number; options: RequestOptions },
): Promise<Key[]> {
  const found: Key[] = [];
  for await (const key of client.keys(pattern, options)) {
    if (found.length === limit) {
      const context = keyContext(operation, pattern);
      const none = operation === 'get' ? 'no value was read' : 'nothing was deleted';
      throw new StateStoreError(
        'BAD_ARGUMENT',
        {
          problem: `More than ${limit} keys match the pattern ${context.key}: ${none}`,
          advice: 'Enter a narrower pattern, or a larger number under "Max. keys".',
        },
        context,
      );
    }
    found.push(isUtf8(key) ? key.toString() : key);
  }
  return found;
}
