/** Keys as the runtime sends them (base64 of their bytes, here called ID) and as people read them. */
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes of the longest key that the runtime takes from a page. */
const MAX_BYTES = 60_000;

export const bytesOf = (base64: string): Uint8Array =>
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

export function isTooLong(id: string): boolean {
  const padding = /=*$/.exec(id.slice(-2))?.[0].length ?? 0;
  return (id.length / 4) * 3 - padding > MAX_BYTES;
}

/** The ID of a key that was typed. */
export function idOf(text: string): string {
  let binary = '';
  for (const byte of encoder.encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The text of a key that is text; undefined for other bytes. */
function typedText(id: string): string | undefined {
  try {
    const text = decoder.decode(bytesOf(id));
    return /\p{Cc}/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** What people read: the text, or the bytes in hexadecimal digits. */
export function textOf(id: string): string {
  const hex = () => [...bytesOf(id)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return typedText(id) ?? `0x${hex()}`;
}

/** The beginning of a long key, which may have thousands of characters. */
export const shortened = (text: string, limit = 200): string =>
  text.length <= limit ? text : `${text.slice(0, limit)}…`;

/** A long key without its middle: both ends distinguish keys. */
export function middleCut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor((limit - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}
