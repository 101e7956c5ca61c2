/** Changes of single records in NDJSON. All other lines keep their bytes and their order. */
import { printableValue, StateStoreError } from '../errors';
import { type DataRecord, type Line, lineOf, linesOf, recordIn } from './records';

/** The property that identifies a record, for example `deviceId`, and its value. */
interface Identity {
  property: string;
  value: string | number | boolean;
}

/**
 * Puts `record` in place of the first record with the same value of `property`, or behind the last record if there is none.
 * Throws `BAD_ARGUMENT` if the record lacks the property, or if a line is not a JSON object.
 */
export function putRecord(ndjson: Buffer, property: string, record: unknown): Buffer {
  const line = lineOf(record, 'The record');
  const identity = identityOf(property, (record as DataRecord)[property]);
  const [place] = matches(ndjson, identity);
  if (place === undefined) return append(ndjson, line);
  return Buffer.concat([
    ndjson.subarray(0, place.begin),
    Buffer.from(line),
    lineEnd(ndjson, place),
    ndjson.subarray(place.end),
  ]);
}

/**
 * Removes all records whose `property` has this value, since a data flow would find the next one of them. Returns the same buffer if
 * there is none. Throws `BAD_ARGUMENT` if a line is not a JSON object.
 */
export function removeRecord(ndjson: Buffer, property: string, value: unknown): Buffer {
  const places = matches(ndjson, identityOf(property, value));
  if (places.length === 0) return ndjson;
  const parts: Buffer[] = [];
  let from = 0;
  for (const { begin, end } of places) {
    parts.push(ndjson.subarray(from, begin));
    from = end;
  }
  parts.push(ndjson.subarray(from));
  const left = Buffer.concat(parts);
  // Where the last line had no line end, there is none behind the line that is now the last.
  const cut = endsWithLine(ndjson) ? 0 : trailingLineEnd(left);
  return left.subarray(0, left.length - cut);
}

function matches(ndjson: Buffer, { property, value }: Identity): Line[] {
  return Array.from(linesOf(ndjson)).filter((line) => recordIn(line)[property] === value);
}

function identityOf(property: string, value: unknown): Identity {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return { property, value };
  throw new StateStoreError('BAD_ARGUMENT', {
    problem: `The property ${property} of the record is ${printableValue(value)}`,
    advice: 'The property that identifies a record needs text, a number, true or false.',
  });
}

function append(ndjson: Buffer, line: string): Buffer {
  const whole = ndjson.length === 0 || endsWithLine(ndjson);
  return Buffer.concat([
    ndjson,
    Buffer.from(whole ? line : `\n${line}`),
    Buffer.from(whole && ndjson.length > 0 ? '\n' : ''),
  ]);
}

function endsWithLine(ndjson: Buffer): boolean {
  return trailingLineEnd(ndjson) > 0;
}

/** Bytes of the line end at the end of a text. */
function trailingLineEnd(text: Buffer): number {
  if (text.at(-1) !== 0x0a) return 0;
  return text.at(-2) === 0x0d ? 2 : 1;
}

function lineEnd(ndjson: Buffer, { begin, end }: Line): Buffer {
  const whole = ndjson.subarray(begin, end);
  return whole.subarray(whole.length - trailingLineEnd(whole));
}
