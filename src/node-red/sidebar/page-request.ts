/** What pages ask the runtime for, checked: nothing of the wrong shape or size goes any further. */

/** Most bytes of a key, and of a value, in a request. */
export const MOST_KEY_BYTES = 60_000;
export const MOST_WRITTEN_BYTES = 1_048_576;

/** A request that is not served, with the status of its answer. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Body = Record<string, unknown>;

/** The body of a request; a content type other than JSON is refused, as a form on a strange site would send it. */
export function bodyOf(request: { is(type: string): unknown; body?: unknown }): Body {
  if (!request.is('application/json')) throw new Refusal(415, 'The request must be JSON.');
  const { body } = request;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal(400, 'The request must be a JSON object.');
  return body as Body;
}

export function textIn(body: Body, field: string): string {
  const value = Object.hasOwn(body, field) ? body[field] : undefined;
  if (typeof value !== 'string') throw new Refusal(400, `${field} must be text.`);
  return value;
}

/** A key, which is in the body as base64. */
export function keyIn(body: Body): Buffer {
  return keyOf(textIn(body, 'key'));
}

/** The keys in `keys`, as they are; at most `most`. Those that are too long are left out: they must not keep the others from being seen. */
export function keysIn(body: Body, most: number): string[] {
  const { keys } = body;
  if (!Array.isArray(keys) || keys.length > most)
    throw new Refusal(400, `keys must be a list of at most ${most} keys.`);
  return keys.filter((key) => bytesOf(key).length <= MOST_KEY_BYTES);
}

/** The value to set, as bytes: text as it is, JSON as the nodes write it, or base64. */
export function valueIn(body: Body): Buffer {
  const value = textIn(body, 'value');
  const bytes = valueBytes(textIn(body, 'type'), value);
  if (bytes.length > MOST_WRITTEN_BYTES)
    throw new Refusal(413, `The value must not be larger than ${MOST_WRITTEN_BYTES} bytes here.`);
  return bytes;
}

/** Milliseconds, a whole number from 1, or nothing. */
export function expiryIn({ expiry }: Body): number | undefined {
  if (expiry === undefined || expiry === null) return undefined;
  if (typeof expiry !== 'number' || !Number.isSafeInteger(expiry) || expiry < 1)
    throw new Refusal(400, 'expiry must be a whole number of milliseconds from 1.');
  return expiry;
}

/** True, false or nothing, which is false. */
export function flagIn(body: Body, field: string): boolean {
  const value = Object.hasOwn(body, field) ? body[field] : undefined;
  if (value !== undefined && typeof value !== 'boolean')
    throw new Refusal(400, `${field} must be true or false.`);
  return value === true;
}

function bytesOf(base64: unknown): Buffer {
  const key = typeof base64 === 'string' && isBase64(base64) ? Buffer.from(base64, 'base64') : undefined;
  if (!key || key.length === 0) throw new Refusal(400, 'A key must be base64, and not empty.');
  return key;
}

function keyOf(base64: unknown): Buffer {
  const key = bytesOf(base64);
  if (key.length > MOST_KEY_BYTES)
    throw new Refusal(413, `A key must not be longer than ${MOST_KEY_BYTES} bytes here.`);
  return key;
}

function valueBytes(type: string, value: string): Buffer {
  switch (type) {
    case 'text':
      return Buffer.from(value);
    case 'json':
      return Buffer.from(JSON.stringify(parsed(value)));
    case 'base64':
      if (!isBase64(value)) throw new Refusal(400, 'value must be base64.');
      return Buffer.from(value, 'base64');
    default:
      throw new Refusal(400, 'type must be text, json or base64.');
  }
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new Refusal(400, `value must be JSON: ${(error as Error).message}.`);
  }
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
