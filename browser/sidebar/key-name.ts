/** A key in one line. If it does not fit, its middle is left out: both ends distinguish keys. */
import { middleCut, shortened } from './key';

/** Characters of the text at most. */
const MAX_SHOWN = 200;
/** A shorter key is not cut in the middle. */
const MIN_CUT = 12;
/** Characters at the end that stay in sight. */
const MAX_END = 16;

/** A long key is shown in two parts. A screen reader ignores them, and reads a text that is not drawn. The tooltip has up to 1,000 characters. */
export function keyName(text: string): JQuery {
  const name = $('<span>', { class: 'statestore-key-name', title: shortened(text, 1000) });
  const characters = [...middleCut(text, MAX_SHOWN)];
  if (characters.length < MIN_CUT) return name.append($('<span>').text(text));
  const end = characters.length - Math.min(MAX_END, Math.floor(characters.length / 2));
  const part = (content: string[]) => $('<span>', { 'aria-hidden': 'true' }).text(content.join(''));
  return name.append(
    $('<span>', { class: 'statestore-key-whole' }).text(shortened(text, MAX_SHOWN)),
    part(characters.slice(0, end)),
    part(characters.slice(end)),
  );
}
