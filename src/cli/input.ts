/** Bytes of a value: from the arguments, from stdin, or from a file with records. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { messageOf, StateStoreError } from '../errors';
import { recordsFromCsv } from '../reference-data/csv';
import { formatRecords, linesOf, recordIn } from '../reference-data/records';
import { printMessage, readStdin } from './streams';
import { UsageError } from './usage-error';

export type Input = Buffer | 'stdin' | RecordFile;

/** A file with reference data for data flows. */
export interface RecordFile {
  format: 'ndjson' | 'csv';
  path: string;
}

export async function readInput(input: Input): Promise<Buffer> {
  if (Buffer.isBuffer(input)) return input;
  if (input !== 'stdin') return readRecords(input);
  if (process.stdin.isTTY) printMessage('enter the value, then press Ctrl-D');
  return readStdin();
}

/** The lines for the store. Throws a {@link UsageError} if the file cannot be read or any record is wrong. */
function readRecords({ format, path }: RecordFile): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`--${format}: ${messageOf(error)}`);
  }
  if (!isUtf8(bytes)) throw new UsageError(`${path} is not UTF-8: save it as UTF-8 first`);
  let lines: Buffer;
  try {
    lines = format === 'csv' ? formatRecords(recordsFromCsv(bytes)) : checkedLines(bytes);
  } catch (error) {
    if (error instanceof StateStoreError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
  if (lines.length === 0) throw new UsageError(`${path} has no records: nothing was written`);
  return lines;
}

/** The text of each line, so that numbers keep all their digits. */
function checkedLines(ndjson: Buffer): Buffer {
  const texts = Array.from(linesOf(ndjson), (line) => {
    recordIn(line);
    return line.text;
  });
  return Buffer.from(texts.join('\n'));
}
