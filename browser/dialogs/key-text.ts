/** Keys as the canvas shows them. */
import { keysIn } from './key-field';
import { isBlank } from './rules';
import { textOf } from './texts';

/** Characters of a label on the canvas. */
const MAX_LABEL = 40;

/** A label that fits onto the canvas: a long one is cut in the middle. */
export function shortLabel(text: string): string {
  if (text.length <= MAX_LABEL) return text;
  const half = Math.floor((MAX_LABEL - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}

/** Text as it is, everything else in braces. */
export function keyText(key: string, type: string): string {
  if (isBlank(key)) return '';
  switch (type) {
    case 'str':
    case 'pattern':
      return key;
    case 'msg':
      return `{${key}}`;
    case 'env':
      return `{$${key}}`;
    case 'jsonata':
      return template(key);
    case 'json':
      return listText(key);
    case 'flow':
    case 'global':
      return `{${type}.${key.replace(/^#:\([^)]*\)::/, '')}}`;
    default:
      return `{${type}}`;
  }
}

/** A list of one key as that key, and of several as their number. */
function listText(json: string): string {
  const keys = keysIn(json);
  if (!keys) return '{json}';
  return keys.length === 1
    ? (keys[0] ?? '')
    : RED._(textOf('statestore-config', 'form.canvas.keys'), { count: keys.length });
}

/** `"machine/ & payload.id` as `machine/{payload.id}`. An expression of another form is shown as it is, in braces. */
function template(expression: string): string {
  const parts = expression.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|&|[^"'&]+/g) ?? [];
  const operands = parts.map((part) => part.trim()).filter((part) => part !== '');
  const isRow = operands.every((part, index) => (index % 2 === 1) === (part === '&'));
  if (!isRow || operands.length % 2 === 0) return `{${expression}}`;
  return operands
    .filter((part) => part !== '&')
    .map((part) => (/^["']/.test(part) ? part.slice(1, -1) : `{${part}}`))
    .join('');
}
