/** Keys with values as NDJSON: the lines of `export` and `get --pattern`, which `import` reads. */
import { isUtf8 } from 'node:buffer';
import { type DataRecord, type Line, linesOf, recordIn } from '../reference-data/records';
import { printableJson } from './printable';
import { UsageError } from './usage-error';

export interface Entry {
  key: Buffer;
  value: Buffer;
  version?: string;
}

/** An entry, and the number of its line, from 1. */
export interface EntryOfLine extends Entry {
  line: number;
}

export function entryLine({ key, value, version }: Entry): string {
  const fields = {
    ...field('key', key),
    ...field('value', value),
    ...(version !== undefined && { version }),
  };
  return `${printableJson(JSON.stringify(fields))}\n`;
}

/** All entries of a text. Throws a {@link UsageError} that names the first faulty line. */
export function readEntries(ndjson: Buffer): EntryOfLine[] {
  const seen = new Map<string, number>();
  return Array.from(linesOf(ndjson), (line) => {
    const record = recordOf(line);
    const key = bytesOf(record, 'key', line.number);
    if (key.length === 0) throw faulty(line.number, 'has an empty key');
    const id = key.toString('latin1');
    const before = seen.get(id);
    if (before !== undefined) throw faulty(line.number, `has the same key as line ${before}`);
    seen.set(id, line.number);
    return { key, value: bytesOf(record, 'value', line.number), line: line.number };
  });
}

function recordOf(line: Line): DataRecord {
  try {
    return recordIn(line);
  } catch {
    throw faulty(line.number, 'is not a JSON object');
  }
}

function field(name: string, bytes: Buffer): Record<string, string> {
  return isUtf8(bytes) ? { [name]: bytes.toString() } : { [`${name}Base64`]: bytes.toString('base64') };
}

function bytesOf(record: Record<string, unknown>, name: string, line: number): Buffer {
  const text = record[name];
  const base64 = record[`${name}Base64`];
  if ((text === undefined) === (base64 === undefined))
    throw faulty(line, `needs either "${name}" or "${name}Base64"`);
  if (typeof text === 'string') return Buffer.from(text);
  const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
  if (bytes && bytes.toString('base64') === base64) return bytes;
  const property = text === undefined ? `${name}Base64` : name;
  throw faulty(line, `has a "${property}" that is not ${text === undefined ? 'base64' : 'text'}`);
}

function faulty(line: number, fault: string): UsageError {
  return new UsageError(`line ${line} ${fault}: nothing was written`);
}
