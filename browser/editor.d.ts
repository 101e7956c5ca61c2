/** What the editor of Node-RED has, and its published types lack. */
import type { EditorNodeInstance, EditorRED } from 'node-red';

/** The part of Core's comms that its types leave out. */
interface Comms {
  on(event: 'connect', listener: () => void): void;
  off(event: 'connect', listener: () => void): void;
  send(topic: string, data: object): void;
}

interface Nodes {
  /** The node with this ID; null if there is none. */
  node(id: string): (EditorNodeInstance & { valid?: boolean }) | null;
}

interface Utils {
  /** True, or the reason why the value is not valid. */
  validateTypedProperty(value: string, type: string, opt: unknown): true | string;
}

/** Core listens to keys of the whole editor unless this is off. */
interface Keyboard {
  enable(): void;
  disable(): void;
}

interface Validators {
  typedInput(typeField: string): (this: object, value: unknown, opt: unknown) => boolean | string;
}

interface SearchBoxOptions {
  style: 'compact';
  /** Milliseconds. */
  delay: number;
  change(): void;
}

interface DialogOptions {
  modal: boolean;
  title: string;
  width: number | string;
  resizable: boolean;
  draggable: boolean;
  closeOnEscape: boolean;
  classes: Record<string, string>;
  buttons: { text: string; class?: string; click(): void }[];
  open(): void;
  close(): void;
}

declare global {
  const RED: Omit<EditorRED, '_' | 'nodes' | 'validators'> & {
    /** The text of a key in the language of the editor; `values` fill its placeholders. */
    _(key: string, values?: Record<string, unknown>): string;
    comms: Comms;
    utils: Utils;
    keyboard: Keyboard;
    validators: Validators;
    nodes: Omit<EditorRED['nodes'], 'node'> & Nodes;
  };

  interface JQuery<TElement = HTMLElement> {
    searchBox(options: SearchBoxOptions): this;
    searchBox(what: 'count' | 'value', text: string): this;
    dialog(options: DialogOptions): this;
    dialog(what: 'close' | 'destroy'): this;
  }
}
