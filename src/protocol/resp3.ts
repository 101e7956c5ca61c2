/**
 * The subset of RESP3 that the state store uses: arrays of blobs in requests, one simple item in responses.
 * Pure bytes, docs/protocol.md section 2. A parser here either accepts the whole payload or throws
 * {@link StateStoreError} `BAD_RESPONSE`. It never allocates memory by a length field.
 */
import { StateStoreError } from '../errors';

/** One item of an answer. `blob` with `null` is RESP's null bulk string `$-1`. */
export type Item =
  | { type: 'simple'; text: string }
  | { type: 'error'; text: string }
  | { type: 'number'; value: number }
  | { type: 'blob'; value: Buffer | null };

const CR = 13;
const LF = 10;
/** Bytes that say what an item is. */
const SIMPLE = 0x2b;
const ERROR = 0x2d;
const NUMBER = 0x3a;
const ARRAY = 0x2a;
const BLOB = 0x24;
const MINUS = 0x2d;
const ZERO = 0x30;
const CRLF = '\r\n';

/** What an array is made of. A string stands for its UTF-8. */
export type Items = readonly (string | Uint8Array)[];

/** Encodes `*{n}` and its blobs. Lengths are byte lengths. */
export function encodeArray(items: Items): Buffer {
  const array = new ArrayWriter(items);
  const out = Buffer.allocUnsafe(array.bytes);
  array.write(out, 0);
  return out;
}

/** An array that is to be encoded. Its items are measured once, since that takes longer than to write them. */
export class ArrayWriter {
  /** Bytes of the encoded array. */
  readonly bytes: number;
  readonly #items: Items;
  readonly #lengths: number[];

  constructor(items: Items) {
    let bytes = sizeOfHeader(items.length);
    const lengths = new Array<number>(items.length);
    for (let index = 0; index < items.length; index++) {
      const length = byteLength(items[index] as string | Uint8Array);
      lengths[index] = length;
      bytes += sizeOfHeader(length) + length + CRLF.length;
    }
    this.bytes = bytes;
    this.#items = items;
    this.#lengths = lengths;
  }

  /** Encodes the array into `out`, from `start`, and returns where it ends. */
  write(out: Buffer, start: number): number {
    const items = this.#items;
    let at = writeHeader(out, ARRAY, items.length, start);
    for (let index = 0; index < items.length; index++) {
      const item = items[index] as string | Uint8Array;
      const length = this.#lengths[index] as number;
      at = writeHeader(out, BLOB, length, at);
      if (typeof item === 'string') writeText(out, item, at, length);
      else out.set(item, at);
      at = writeLineEnd(out, at + length);
    }
    return at;
  }
}

/** Up to this length a loop is faster than a call into the runtime. */
const SHORT = 64;

function byteLength(item: string | Uint8Array): number {
  return typeof item === 'string' && !isShortAscii(item) ? Buffer.byteLength(item) : item.length;
}

function isShortAscii(text: string): boolean {
  if (text.length > SHORT) return false;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

/** `length`: of the text in bytes. */
function writeText(out: Buffer, text: string, start: number, length: number): void {
  // As many bytes as characters: all of them are ASCII.
  if (length !== text.length) out.write(text, start);
  else if (length > SHORT) out.write(text, start, 'latin1');
  else for (let at = 0; at < length; at++) out[start + at] = text.charCodeAt(at);
}

/** Bytes of a type, a number from 0 and CR LF. */
function sizeOfHeader(value: number): number {
  return 1 + digitsOf(value) + CRLF.length;
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}

function writeHeader(out: Buffer, type: number, value: number, start: number): number {
  out[start] = type;
  const end = start + 1 + digitsOf(value);
  let rest = value;
  for (let at = end - 1; at > start; at--) {
    out[at] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return writeLineEnd(out, end);
}

function writeLineEnd(out: Buffer, at: number): number {
  out[at] = CR;
  out[at + 1] = LF;
  return at + CRLF.length;
}

/** Encodes one item of an answer. */
export function encodeItem(item: Item): Buffer {
  switch (item.type) {
    case 'simple':
      return Buffer.from(`+${item.text}${CRLF}`);
    case 'error':
      return Buffer.from(`-ERR ${item.text}${CRLF}`);
    case 'number':
      return Buffer.from(`:${item.value}${CRLF}`);
    case 'blob':
      if (item.value === null) return Buffer.from(`$-1${CRLF}`);
      return Buffer.concat([Buffer.from(`$${item.value.length}${CRLF}`), item.value, Buffer.from(CRLF)]);
  }
}

/** Parses `*{n}` and its blobs, which are views into `data`. Nothing may follow. */
export function parseArray(data: Buffer): Buffer[] {
  const reader = new Reader(data);
  const items = reader.arrayItems(reader.count());
  reader.end();
  return items;
}

/** One page of a list of keys: an array of the keys, then the token for the next page if there is one. */
export interface Page {
  keys: Buffer[];
  token: Buffer | undefined;
}

/** Encodes `*1` or `*2` with the array of keys and the token. */
export function encodePage({ keys, token }: Page): Buffer {
  const tail = token ? [Buffer.from(`$${token.length}${CRLF}`), token, Buffer.from(CRLF)] : [];
  return Buffer.concat([Buffer.from(`*${token ? 2 : 1}${CRLF}`), encodeArray(keys), ...tail]);
}

/** Parses a page; keys and token are views into `data`. Nothing may follow. */
export function parsePage(data: Buffer): Page {
  const reader = new Reader(data);
  const parts = reader.count();
  if (parts < 1 || parts > 2) throw malformed(`a page of keys has ${parts} parts`);
  const keys = reader.arrayItems(reader.count());
  const token = parts === 2 ? reader.arrayItem() : undefined;
  reader.end();
  return { keys, token };
}

/** Parses the one item of an answer. A blob is a view into `data`. Nothing may follow. */
export function parseItem(data: Buffer): Item {
  const reader = new Reader(data);
  const item = readItem(reader);
  reader.end();
  return item;
}

function readItem(reader: Reader): Item {
  switch (reader.type) {
    case SIMPLE:
      return { type: 'simple', text: reader.line() };
    case ERROR:
      return refusal(reader.line());
    case NUMBER:
      return { type: 'number', value: reader.integer(NUMBER) };
    case BLOB:
      return { type: 'blob', value: reader.blob() };
    default:
      throw malformed(`it begins with ${shown(reader.type)}`);
  }
}

/** The reference prints "not applied" as `-1`, other sources as `:-1`: docs/protocol.md section 8. */
function refusal(line: string): Item {
  if (line === '1') return { type: 'number', value: -1 };
  return { type: 'error', text: line.replace(/^ERR:? ?/, '') };
}

/** A position in a payload, moved forward by each read. */
class Reader {
  readonly #data: Buffer;
  #offset = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  /** `*{n}`; n from 0. */
  count(): number {
    const count = this.integer(ARRAY);
    if (count < 0) throw malformed('an array has a negative length');
    return count;
  }

  /** A blob that is an item of an array. */
  arrayItem(): Buffer {
    const blob = this.blob();
    if (blob === null) throw malformed('an array item is null');
    return blob;
  }

  /** `n` blobs. */
  arrayItems(n: number): Buffer[] {
    const items: Buffer[] = [];
    for (let i = 0; i < n; i++) items.push(this.arrayItem());
    return items;
  }

  /** The byte at the current position, which says what follows; `undefined` at the end. */
  get type(): number | undefined {
    return this.#data[this.#offset];
  }

  /** The text between the type byte and CR LF. */
  line(): string {
    const end = this.#data.indexOf(CRLF, this.#offset, 'latin1');
    if (end < 0) throw malformed('a line does not end');
    const text = this.#data.toString('utf8', this.#offset + 1, end);
    this.#offset = end + CRLF.length;
    return text;
  }

  /** A decimal integer in its only form: no plus sign, no leading zero, at most 2^53-1. */
  integer(type: number): number {
    if (this.type !== type) throw malformed(`${shown(type)} expected, found ${shown(this.type)}`);
    const data = this.#data;
    let at = this.#offset + 1;
    const negative = data[at] === MINUS;
    if (negative) at++;
    const start = at;
    let value = 0;
    for (let digit = digitAt(data, at); digit !== undefined; digit = digitAt(data, ++at))
      value = value * 10 + digit;
    const padded = data[start] === ZERO && (at > start + 1 || negative);
    const ends = data[at] === CR && data[at + 1] === LF;
    if (at === start || padded || !ends || !Number.isSafeInteger(value))
      throw malformed(`${JSON.stringify(this.line().slice(0, 30))} is not a number`);
    this.#offset = at + CRLF.length;
    return negative ? -value : value;
  }

  /** A blob, or null for `$-1`. */
  blob(): Buffer | null {
    const length = this.integer(BLOB);
    if (length === -1) return null;
    const start = this.#offset;
    const end = start + length;
    if (length < 0 || end + CRLF.length > this.#data.length) {
      throw malformed(
        `a length says ${length} bytes, ${Math.max(0, this.#data.length - start - CRLF.length)} are there`,
      );
    }
    if (this.#data[end] !== CR || this.#data[end + 1] !== LF)
      throw malformed('a blob does not end where its length says');
    this.#offset = end + CRLF.length;
    return this.#data.subarray(start, end);
  }

  end(): void {
    const left = this.#data.length - this.#offset;
    if (left > 0) throw malformed(`${left} bytes follow its end`);
  }
}

function digitAt(data: Buffer, at: number): number | undefined {
  const digit = (data[at] ?? 0) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : undefined;
}

/** A type byte as a person reads it. */
function shown(type: number | undefined): string {
  return JSON.stringify(type === undefined ? '' : String.fromCharCode(type));
}

function malformed(detail: string): StateStoreError {
  return new StateStoreError('BAD_RESPONSE', `The payload is not valid RESP3: ${detail}.`);
}
