/** The text, or its beginning and its end where it has more than `most` characters: the end tells pods apart. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = Math.max(2, most - 1);
  return `${text.slice(0, Math.ceil(kept / 2))}…${text.slice(-Math.floor(kept / 2))}`;
}
