import type { NodeMessageInFlow } from 'node-red';
import { propertyOf, type TypedProperty } from './typed-property';

const NO_MESSAGE: NodeMessageInFlow = { _msgid: '' };

/**
 * Reads the properties of one message after those of the message before, even when some of them come later: what a
 * node sends to the store keeps the order of its messages.
 */
export class OrderedReader<Name extends string> {
  /** Of the properties that are the same for every message; the others have their names here. */
  readonly #fixed = {} as Record<Name, unknown>;
  /** Readers of properties of the message itself, with their positions. Most readers are of this kind, and read only these properties. */
  readonly #own: Name[] = [];
  readonly #ownFrom: string[] = [];
  readonly #others: [Name, TypedProperty][] = [];
  #unfinished: Promise<unknown> | undefined;

  constructor(properties: Record<Name, TypedProperty>) {
    for (const [name, property] of Object.entries(properties) as [Name, TypedProperty][]) {
      this.#fixed[name] = property.fixed ? property.read(NO_MESSAGE) : undefined;
      if (property.own !== undefined) {
        this.#own.push(name);
        this.#ownFrom.push(property.own);
      } else if (!property.fixed) this.#others.push([name, property]);
    }
  }

  /** The values by name; a promise only when one of them, or of an earlier message, is not there yet. */
  read(msg: NodeMessageInFlow): Record<Name, unknown> | Promise<Record<Name, unknown>> {
    const values = { ...this.#fixed };
    for (const [index, name] of this.#own.entries())
      values[name] = propertyOf(msg, this.#ownFrom[index] as string);
    let later: Promise<void>[] | undefined;
    for (const [name, property] of this.#others) {
      const value = property.read(msg);
      if (value instanceof Promise) {
        const store = (result: unknown): void => {
          values[name] = result;
        };
        const stored = value.then(store);
        // If the next property throws, this promise has no other handler.
        stored.catch(() => undefined);
        later ??= [];
        later.push(stored);
      } else {
        values[name] = value;
      }
    }
    if (!later && !this.#unfinished) return values;
    const reading = Promise.all([this.#unfinished, ...(later ?? [])]).then(() => values);
    const settled = reading.then(
      () => undefined,
      () => undefined,
    );
    this.#unfinished = settled;
    void settled.then(() => {
      if (this.#unfinished === settled) this.#unfinished = undefined;
    });
    return reading;
  }
}
