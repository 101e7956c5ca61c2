/**
 * Reference data for data flows: NDJSON, one JSON object per line (docs/data-flows.md). The data flow runtime returns the first
 * record that matches, so the order of lines is kept.
 */
import { messageOf, printableValue, StateStoreError } from '../errors';

/** One line of reference data. */
export type DataRecord = Record<string, unknown>;

const NEWLINE = 0x0a;
/** Characters of a faulty line that an error quotes. */
const MAX_QUOTED = 60;

/** One line of a text, without its line end. `number` counts from 1. */
export interface Line {
  readonly number: number;
  /** Position of the first byte. */
  readonly begin: number;
  /** Position behind the last byte of the line end, or the end of the text. */
  readonly end: number;
  readonly text: string;
}

/** All lines that are not blank. A carriage return before the line feed belongs to the line end. */
export function* linesOf(ndjson: Buffer): Generator<Line> {
  let number = 0;
  for (let begin = 0; begin < ndjson.length; ) {
    const found = ndjson.indexOf(NEWLINE, begin);
    const end = found < 0 ? ndjson.length : found + 1;
    number += 1;
    const text = ndjson.toString('utf8', begin, end).trim();
    if (text !== '') yield { number, begin, end, text };
    begin = end;
  }
}

/** The record in a line. Throws `BAD_ARGUMENT` that names the line. */
export function recordIn({ number, text }: Line): DataRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badLine(number, `is not valid JSON: ${messageOf(error)}`, text);
  }
  if (!isRecord(value)) throw badLine(number, 'is not a JSON object', text);
  return value;
}

/** The records of a text, in the order of its lines. Throws `BAD_ARGUMENT` that names the first faulty line. */
export function parseRecords(ndjson: Buffer): DataRecord[] {
  return Array.from(linesOf(ndjson), recordIn);
}

/**
 * The text for a list of records: one line per record, without a line end behind the last one, so that no reader finds a blank record.
 * Throws `BAD_ARGUMENT` that names the first element that is not a JSON object.
 */
export function formatRecords(records: unknown): Buffer {
  if (!Array.isArray(records)) {
    throw new StateStoreError('BAD_ARGUMENT', {
      problem: `NDJSON needs a list of objects, not ${printableValue(records)}`,
      advice: 'Give an array with one object per record.',
    });
  }
  return Buffer.from(records.map((record, i) => lineOf(record, `Element ${i + 1} of the list`)).join('\n'));
}

/** The line for one record, without a line end. `name` begins the message of the error. */
export function lineOf(record: unknown, name: string): string {
  // A record with a toJSON method, such as a date, may become something that is not an object.
  const text = isRecord(record) ? JSON.stringify(record) : undefined;
  if (text?.startsWith('{')) return text;
  throw new StateStoreError('BAD_ARGUMENT', {
    problem: `${name} is not an object: ${printableValue(record)}`,
    advice: 'Each record of reference data is one JSON object.',
  });
}

function isRecord(value: unknown): value is DataRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badLine(number: number, fault: string, text: string): StateStoreError {
  const quoted = text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED)}...`;
  return new StateStoreError('BAD_ARGUMENT', {
    problem: `Line ${number} of the reference data ${fault}`,
    advice: `The line begins with ${quoted}. Each line must be one JSON object.`,
  });
}
