/** The arguments of one command. Each reader throws a {@link UsageError} that names a wrong argument. */
import { UsageError } from './usage-error';

/** An option as `parseArgs` takes it, and its line in the help. */
export interface Option {
  readonly type: 'boolean' | 'string';
  /** Placeholder of its value in the help. */
  readonly value?: string;
  readonly help: string;
}
export type Options = Readonly<Record<string, Option>>;

/** The longest timer of Node.js, in seconds. */
const MAX_TIMEOUT_S = 2_147_483;

export class Arguments {
  /** Name of the command. */
  readonly command: string;
  readonly #positionals: readonly string[];
  readonly #values: ReadonlyMap<string, string | boolean>;

  constructor(
    command: string,
    positionals: readonly string[],
    values: ReadonlyMap<string, string | boolean>,
  ) {
    this.command = command;
    this.#positionals = positionals;
    this.#values = values;
  }

  has(option: string): boolean {
    return this.#values.has(option);
  }

  flag(option: string): boolean {
    return this.#values.get(option) === true;
  }

  text(option: string): string | undefined {
    const value = this.#values.get(option);
    return typeof value === 'string' ? value : undefined;
  }

  /** Number of arguments that are not options. */
  get count(): number {
    return this.#positionals.length;
  }

  /** An argument that is not an option, as bytes. */
  bytes(index: number, name: string): Buffer | undefined {
    const given = this.#positionals[index];
    return given === undefined ? undefined : utf8(name, given);
  }

  /** The same, with at least one byte. */
  required(index: number, name: string): Buffer {
    const bytes = this.bytes(index, name);
    if (bytes && bytes.length > 0) return bytes;
    throw new UsageError(`${this.command} needs a ${name} of at least one byte`);
  }

  /** Refuses more arguments than `most`. */
  atMost(most: number): void {
    const extra = this.#positionals[most];
    if (extra === undefined) return;
    throw new UsageError(
      `unexpected argument "${extra}": put quotes around a KEY or VALUE that contains spaces`,
    );
  }

  /** Refuses two options that exclude each other. */
  notBoth(one: string, other: string): void {
    if (this.has(one) && this.has(other))
      throw new UsageError(`--${one} and --${other} cannot be used together`);
  }

  /** The bytes of `--pattern`, which replaces KEY. */
  pattern(): Buffer | undefined {
    const text = this.text('pattern');
    if (text === undefined) return undefined;
    if (text === '') throw new UsageError('--pattern needs at least one byte');
    if (this.#positionals.length > 0) throw new UsageError('give either a KEY or --pattern, not both');
    return utf8('--pattern', text);
  }

  /** The milliseconds of an option in seconds. */
  milliseconds(option: 'timeout' | 'expiry'): number | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    const max = option === 'timeout' ? MAX_TIMEOUT_S : Math.floor(Number.MAX_SAFE_INTEGER / 1000);
    const seconds = /^\d{1,13}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
    if (seconds >= 0.001 && seconds <= max) return Math.round(seconds * 1000);
    throw new UsageError(`--${option} must be a number of seconds from 0.001 to ${max}, not "${text}"`);
  }
}

/** Node.js puts U+FFFD in place of bytes that are not UTF-8, which would be another key or value. */
export function utf8(name: string, given: string): Buffer {
  if (!given.includes('\ufffd')) return Buffer.from(given);
  throw new UsageError(`${name} must be UTF-8 text: pass other bytes of a value through stdin`);
}
