/** JSON whose numbers have more digits than a JavaScript number keeps, such as serial numbers of 20 digits. */
import { randomUUID } from 'node:crypto';

/** Any string or number of a JSON text. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Without this, no number of the text can lose digits. */
const SUSPICIOUS = /\d{16}|[eE]\+?\d{3}/;
const LONG_INTEGER = /^-?\d{16,}$/;

/** Whether the number has other digits, or none, after it was read as a JavaScript number. Rounded fractions do not count. */
function losesDigits(number: string): boolean {
  const value = Number(number);
  return !Number.isFinite(value) || (LONG_INTEGER.test(number) && String(value) !== number);
}

/** Parses JSON; a text that is a number and nothing else stays text if it would lose digits. Throws `SyntaxError`. */
export function parseJson(text: string, revive?: (key: string, value: unknown) => unknown): unknown {
  const value: unknown = JSON.parse(text, revive);
  return typeof value === 'number' && losesDigits(text.trim()) ? text : value;
}

/** The numbers of a JSON text that lose digits when they are read. */
export function longNumbers(json: string): string[] {
  if (!SUSPICIOUS.test(json)) return [];
  return (json.match(TOKENS) ?? []).filter((token) => !token.startsWith('"') && losesDigits(token));
}

/** A JSON text that can be read, changed in parts and written without a change of the numbers in the other parts. */
export interface ExactJson {
  /** Each number that would lose digits is a string that stands for it. */
  value: unknown;
  /** Writes a value that was made from {@link value}. */
  write(value: unknown): string;
}

/** Throws `SyntaxError`. */
export function readExactly(json: string): ExactJson {
  if (longNumbers(json).length === 0)
    return { value: JSON.parse(json), write: (value) => JSON.stringify(value) };
  const mark = randomUUID();
  const marked = json.replace(TOKENS, (token) =>
    !token.startsWith('"') && losesDigits(token) ? `"${mark}${token}"` : token,
  );
  const marks = new RegExp(`"${mark}([^"]*)"`, 'g');
  return { value: JSON.parse(marked), write: (value) => JSON.stringify(value).replace(marks, '$1') };
}
