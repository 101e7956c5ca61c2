/** The questions the tab asks before it changes something, as dialogs of Core. */
import type { Words } from '../dialogs/words';

/** How a dialog names its buttons and errors. */
export interface DialogWords {
  words: Words;
  /** The text for what {@link Question.act} rejected with. */
  explain(reason: unknown): string;
}

export interface Question {
  title: string;
  content: JQuery | JQuery[];
  /** Text of the main button; without it the dialog only shows something. */
  button?: string;
  /** Called by the main button. When its promise has resolved, the dialog closes. */
  act?(): Promise<void>;
  /** In pixels, or a CSS width. */
  width?: number | string;
}

export function openDialog(
  { words, explain }: DialogWords,
  { title, content, button, act, width = 440 }: Question,
): JQuery {
  const error = $('<div>', { class: 'statestore-dialog-error', role: 'alert' });
  const body = $('<div>', { class: 'statestore-dialog' });
  for (const part of [content].flat()) body.append(part);
  body.append(error);
  const main = () => body.parent().find('.ui-dialog-buttonpane .primary');
  const run = async () => {
    error.text('');
    main().prop('disabled', true);
    try {
      await act?.();
      if (body.closest('body').length > 0) body.dialog('close');
    } catch (reason) {
      error.text(explain(reason));
      main().prop('disabled', false);
    }
  };
  const before = document.activeElement;
  return body.dialog({
    ...{ modal: true, title, width, resizable: false, draggable: true, closeOnEscape: true },
    classes: { 'ui-dialog': 'red-ui-editor-dialog statestore-ui-dialog', 'ui-dialog-titlebar-close': 'hide' },
    buttons: [
      { text: words(button ? 'button.cancel' : 'button.close'), click: () => body.dialog('close') },
      ...(button ? [{ text: button, class: 'primary', click: () => void run() }] : []),
    ],
    open: () => RED.keyboard.disable(),
    close: () => {
      RED.keyboard.enable();
      if (before instanceof HTMLElement) before.focus();
      // Core's handler of keys looks at where Escape was pressed.
      setTimeout(() => body.dialog('destroy').remove());
    },
  });
}

/** Paragraphs of text. */
export const paragraphs = (...texts: string[]): JQuery[] => texts.map((text) => $('<p>').text(text));
