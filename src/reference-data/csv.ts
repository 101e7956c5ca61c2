/** Records from a table of a spreadsheet: CSV with a header row (RFC 4180). */
import { type CsvError, parse } from 'csv-parse/sync';
import { StateStoreError } from '../errors';
import type { DataRecord } from './records';

/** A double has all of so many digits. */
const MAX_DIGITS = 15;
/** A number as JSON has it, without zeros in front, which are part of an identifier. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * One record per row, with the names of the header row. Numbers, `true` and `false` become such values. A number stays text if a double
 * has not all of its digits, or is too large or too small for a double. A blank cell leaves its property out. Columns are separated by commas, or by semicolons or tabs if the header row has those
 * and no comma. Throws `BAD_ARGUMENT` that names the line.
 */
export function recordsFromCsv(csv: Buffer): DataRecord[] {
  const rows = readRows(csv);
  const [header, ...body] = rows;
  if (header === undefined) throw faulty('The CSV text is empty', 'Its first row must name the columns.');
  const names = header.map((name) => name.trim());
  const blank = names.indexOf('');
  if (blank >= 0)
    throw faulty(`Column ${blank + 1} of the CSV text has no name`, 'Name it in the first row.');
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw faulty(`Two columns of the CSV text are called ${twice}`, 'Give each column a name of its own.');
  return body.map((cells) => {
    const filled = cells
      .map((cell, i) => [names[i] as string, cell] as const)
      .filter(([, cell]) => cell !== '');
    return Object.fromEntries(filled.map(([name, cell]) => [name, valueIn(cell)]));
  });
}

function readRows(csv: Buffer): string[][] {
  try {
    return parse(csv, {
      ...{ bom: true, delimiter: delimiterOf(csv), trim: true },
      // A spreadsheet writes the separators of rows that are blank as well.
      ...{ skip_empty_lines: true, skip_records_with_empty_values: true },
    });
  } catch (error) {
    const { message, lines } = error as CsvError & { lines?: number };
    const where = lines === undefined ? '' : ` near line ${lines}`;
    throw faulty(
      `The CSV text is not valid${where}: ${message}`,
      'Each row needs as many cells as the first one.',
    );
  }
}

function delimiterOf(csv: Buffer): string {
  const header = (csv.toString('utf8').split('\n', 1)[0] ?? '').replace(/"[^"]*"/g, '');
  if (header.includes(',')) return ',';
  return [';', '\t'].find((one) => header.includes(one)) ?? ',';
}

function valueIn(cell: string): unknown {
  if (cell === 'true' || cell === 'false') return cell === 'true';
  if (!NUMBER.test(cell)) return cell;
  const number = Number(cell);
  const digits = digitsOf(cell);
  if (digits === '') return number;
  const isKept = digits.length <= MAX_DIGITS && digitsOf(number.toExponential(digits.length - 1)) === digits;
  return isKept ? number : cell;
}

/** The digits of a number without its sign, point and exponent, from the first one that is not 0. */
function digitsOf(number: string): string {
  return number
    .replace(/[eE].*$/, '')
    .replace(/\D/g, '')
    .replace(/^0+/, '');
}

function faulty(problem: string, advice: string): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', { problem, advice });
}
