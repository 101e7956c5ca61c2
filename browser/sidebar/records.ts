/** Reference data (NDJSON, one JSON object for each line) as a table. */
import type { Words } from '../dialogs/words';
import { shortened } from './key';
import type { Held } from './messages';

export type DataRecord = Record<string, unknown>;

/** Rows and columns of a table; each cell is an element. */
const MAX_ROWS = 500;
const MAX_COLUMNS = 50;
/** Characters of a cell. */
const MAX_CELL = 100;

/** The records of a value; undefined if it is not NDJSON, has one line, or is not here as a whole. */
export function recordsIn({ text, cut }: Held): DataRecord[] | undefined {
  if (cut || !text?.startsWith('{')) return undefined;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2) return undefined;
  try {
    const records: unknown[] = lines.map((line) => JSON.parse(line));
    return records.every(isRecord) ? records : undefined;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is DataRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The column that a table is sorted by. Without it, the records have the order of their lines. */
export interface Order {
  by?: string;
  isDown?: boolean;
}

/** A table. A click on a column sorts it, the next click turns the order round. `order` has the result, for the next table of the same key. */
export function tableOf(words: Words, records: DataRecord[], order: Order): JQuery {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))].slice(0, MAX_COLUMNS);
  const body = $('<tbody>');
  const draw = () => {
    body.empty();
    for (const record of sorted(records, order).slice(0, MAX_ROWS)) {
      const row = $('<tr>').appendTo(body);
      for (const name of columns) {
        const content = textOf(record, name);
        $('<td>').text(shortened(content, MAX_CELL)).attr('title', content).appendTo(row);
      }
    }
  };
  const head = $('<tr>');
  for (const name of columns) {
    const cell = $('<th>', { scope: 'col' }).appendTo(head);
    $('<button>', { type: 'button' })
      .text(name)
      .on('click', () => {
        order.isDown = order.by === name && !order.isDown;
        order.by = name;
        head.children().removeAttr('aria-sort');
        cell.attr('aria-sort', order.isDown ? 'descending' : 'ascending');
        draw();
      })
      .appendTo(cell);
    if (order.by === name) cell.attr('aria-sort', order.isDown ? 'descending' : 'ascending');
  }
  draw();
  const table = $('<table>', { class: 'statestore-records', 'aria-label': words('label.records') }).append(
    $('<thead>').append(head),
    body,
  );
  if (records.length <= MAX_ROWS) return table;
  const note = words('value.records', { shown: MAX_ROWS, count: records.length });
  return $('<div>').append(table, $('<p>').text(note));
}

function sorted(records: DataRecord[], { by, isDown }: Order): DataRecord[] {
  if (by === undefined) return records;
  return [...records].sort((a, b) => compare(a, b, by) * (isDown ? -1 : 1));
}

function textOf(record: DataRecord, name: string): string {
  const value = Object.hasOwn(record, name) ? record[name] : undefined;
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function compare(a: DataRecord, b: DataRecord, name: string): number {
  const [left, right] = [a[name], b[name]];
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [one, other] = [textOf(a, name), textOf(b, name)];
  return one < other ? -1 : Number(one > other);
}
