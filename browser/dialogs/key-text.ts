/** Keys as the canvas shows them. */
import { isBlank } from './rules';

/** Text as it is, everything else in braces. */
export function keyText(key: string, type: string): string {
  if (isBlank(key)) return '';
  switch (type) {
    case 'str':
      return key;
    case 'msg':
      return `{${key}}`;
    case 'env':
      return `{$${key}}`;
    case 'jsonata':
      return template(key);
    case 'flow':
    case 'global':
      return `{${type}.${key.replace(/^#:\([^)]*\)::/, '')}}`;
    default:
      return `{${type}}`;
  }
}

/** `"machine/" & payload.id` as `machine/{payload.id}`. An expression of another form is shown as it is, in braces. */
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
