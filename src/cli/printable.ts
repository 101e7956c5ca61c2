/** Text and bytes of the store as a terminal may get them. */
import { isUtf8 } from 'node:buffer';

/**
 * Control characters, which could move the cursor, change the colours or the title, or type on behalf of the user, and marks that
 * change the direction of text.
 */
const CONTROL = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/** The same text with control characters as escapes (`\x1b`, `\u202e`), but for line breaks and tabs. */
export function printableText(text: string): string {
  return text.replace(CONTROL, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character.charCodeAt(0)),
  );
}

/** UTF-8 as {@link printableText}; of any other bytes the printable ASCII, and the rest as `\xff`. */
export function printableBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return printableText(bytes.toString());
  return bytes.toString('latin1').replace(/[^\n\t -~]/g, (character) => escaped(character.charCodeAt(0)));
}

/** JSON leaves control characters above U+007E as they are. */
export function printableJson(json: string): string {
  return json.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function escaped(code: number): string {
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`;
}
