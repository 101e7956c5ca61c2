/** Values as the debug sidebar shows them, and versions as times. */
import type { Words } from '../dialogs/words';
import { bytesOf } from './key';
import type { Held } from './messages';

/** Core's own view takes objects with this property for what it encoded itself. */
const RESERVED = '__enc__';
/** Properties of one object; Core makes an element with buttons for each of them. */
const MAX_PROPERTIES = 1000;

/** What a node would get: JSON as its value, other text as text, bytes as a list of numbers. */
function parse({ text = '', base64, cut }: Held): { value?: unknown; bytes?: number[] } {
  if (base64 !== undefined) return { bytes: [...bytesOf(base64)] };
  if (cut) return { value: text };
  try {
    return {
      value: JSON.parse(text, (name, value: unknown) => {
        const isLarge =
          typeof value === 'object' &&
          value !== null &&
          !Array.isArray(value) &&
          Object.keys(value).length > MAX_PROPERTIES;
        if (name === RESERVED || isLarge) throw new SyntaxError();
        return value;
      }),
    };
  } catch {
    return { value: text };
  }
}

/** The element of Core for a value; plain text if Core cannot show it. */
export function valueElement(shown: Held, options: object = {}): JQuery {
  const { value, bytes } = parse(shown);
  try {
    if (bytes) return RED.utils.createObjectElement(bytes, { ...options, typeHint: `buffer[${shown.size}]` });
    return RED.utils.createObjectElement(value, options);
  } catch {
    return $('<span class="red-ui-debug-msg-type-string">').text(shown.text ?? '');
  }
}

/** Makes what Core lets the mouse unfold reachable by keyboard, and names its buttons; what is unfolded later, too. */
export function makeReachable(root: JQuery): void {
  const mark = () => {
    for (const button of root.find('.red-ui-debug-msg-tools button:not([aria-label])')) {
      const copies = $(button).has('.fa-terminal').length > 0 ? 'copyPath' : 'copyPayload';
      $(button).attr('aria-label', RED._(`node-red:debug.sidebar.${copies}`));
    }
    for (const header of root.find('.red-ui-debug-msg-expandable')) {
      const isOpen = !header.parentElement?.classList.contains('collapsed');
      $(header).attr({ role: 'button', tabindex: 0, 'aria-expanded': String(isOpen) });
    }
  };
  root.on('click', () => setTimeout(mark));
  root.on('keydown', '.red-ui-debug-msg-expandable', (event) => {
    if (event.target !== event.currentTarget || (event.key !== 'Enter' && event.key !== ' ')) return;
    event.preventDefault();
    event.stopPropagation();
    $(event.currentTarget).trigger('click');
  });
  mark();
}

/** Unfolds these paths of an element that was made with `exposeApi`; the outer ones first. */
export function unfold(element: JQuery, paths: Iterable<string>): void {
  // Core's option for it unfolds each ten entries of a long list.
  const expand = element.prop('expand') as ((path: string, open: boolean) => void) | undefined;
  for (const path of [...paths].sort()) expand?.(path, true);
}

/** Milliseconds since 1970 in a version of the store; undefined if there is none. */
export const timeOf = (version: string | undefined): number | undefined =>
  Number(/^\d+/.exec(version ?? '')?.[0]) || undefined;

/** How long ago, in words: `words` has `age.seconds` and so on. */
export function age(words: Words, ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return words('age.seconds', { count: seconds });
  if (seconds < 3600) return words('age.minutes', { count: Math.floor(seconds / 60) });
  if (seconds < 86_400) return words('age.hours', { count: Math.floor(seconds / 3600) });
  return words('age.days', { count: Math.floor(seconds / 86_400) });
}

/** A size in words. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
