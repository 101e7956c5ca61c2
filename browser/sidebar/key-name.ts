/** A key in one line. Where it does not fit, its middle is left out: both ends distinguish keys. */
import { middleCut, shortened } from './key';

/** Characters in the page at most. */
const MAX_SHOWN = 200;
/** A shorter key is not cut in the middle. */
const MIN_CUT = 12;
/** Characters at the end that stay in sight. */
const MAX_END = 16;

/** The whole key is its text for a screen reader, and its tooltip. */
export function keyName(text: string): JQuery {
  const characters = [...middleCut(text, MAX_SHOWN)];
  const isCut = characters.length >= MIN_CUT;
  const end = isCut ? characters.length - Math.min(MAX_END, Math.floor(characters.length / 2)) : Infinity;
  const part = (content: string[]) => $('<span>', { 'aria-hidden': 'true' }).text(content.join(''));
  return $('<span>', { class: 'statestore-key-name', title: shortened(text, 1000) }).append(
    $('<span>', { class: 'statestore-key-whole' }).text(shortened(text, MAX_SHOWN)),
    part(characters.slice(0, end)),
    isCut ? part(characters.slice(end)) : [],
  );
}
