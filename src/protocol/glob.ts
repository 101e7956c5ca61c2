/**
 * Patterns of keys: `*` is any number of characters, `?` is one, `[a-z]` is one of a class and `[!a-z]` is one outside of it. As in Rust's `glob`,
 * `^` does not negate, a class may begin with `]`, and `[*]` is a literal `*`. docs/protocol.md section 13.
 */

/** One character of a pattern; undefined is `?`. */
type Unit = { literal: string } | { ranges: [low: string, high: string][]; negated: boolean } | undefined;

/** Part of a pattern that is taken literally. */
export interface Literal {
  readonly literal: string;
}

export class PatternError extends Error {}

/** Stands for bytes that are not UTF-8, see {@link Glob.matches}. */
const REPLACEMENT = '\ufffd';

/** A compiled pattern. Matching a text never takes more than its length times the length of the pattern. */
export class Glob {
  /** The units between the stars. A pattern with n stars has n + 1 parts. */
  readonly #parts: Unit[][];

  /** Throws {@link PatternError} if a class has no end or a range goes from a higher to a lower character. */
  constructor(...pattern: (string | Literal)[]) {
    this.#parts = [[]];
    for (const one of pattern) {
      if (typeof one === 'string') this.#compile([...one]);
      else for (const literal of one.literal) this.#last.push({ literal });
    }
  }

  /** Whether the whole text matches. */
  matchesText(text: string): boolean {
    const chars = [...text];
    const first = this.#parts[0] as Unit[];
    if (!matchesAt(first, chars, 0)) return false;
    if (this.#parts.length === 1) return chars.length === first.length;
    const last = this.#last;
    const end = chars.length - last.length;
    let at = first.length;
    if (end < at || !matchesAt(last, chars, end)) return false;
    // The leftmost place for each part leaves the most room for the next one.
    for (const part of this.#parts.slice(1, -1)) {
      while (at + part.length <= end && !matchesAt(part, chars, at)) at++;
      if (at + part.length > end) return false;
      at += part.length;
    }
    return true;
  }

  get #last(): Unit[] {
    return this.#parts.at(-1) as Unit[];
  }

  #compile(chars: string[]): void {
    for (let at = 0; at < chars.length; at++) {
      const char = chars[at] as string;
      if (char === '*') this.#parts.push([]);
      else if (char === '?') this.#last.push(undefined);
      else if (char === '[') at = this.#class(chars, at);
      else this.#last.push({ literal: char });
    }
  }

  /** Compiles the class that begins at `start` and returns where its `]` is. */
  #class(chars: string[], start: number): number {
    const negated = chars[start + 1] === '!';
    const from = start + (negated ? 2 : 1);
    // The first character belongs to the class, even if it is `]`.
    const end = chars.indexOf(']', from + 1);
    if (end < 0) throw new PatternError('a "[" has no "]"');
    const ranges: [string, string][] = [];
    for (let at = from; at < end; at++) {
      const low = chars[at] as string;
      const isRange = chars[at + 1] === '-' && at + 2 < end;
      const high = isRange ? (chars[at + 2] as string) : low;
      if (codeOf(low) > codeOf(high))
        throw new PatternError(`the range ${low}-${high} goes from the higher to the lower character`);
      ranges.push([low, high]);
      if (isRange) at += 2;
    }
    this.#last.push({ ranges, negated });
    return end;
  }
}

/** A pattern for keys, which are bytes. */
export class KeyPattern {
  readonly #text: Glob;
  readonly #bytes: Glob;
  readonly #isText: boolean;

  /** Throws {@link PatternError}. */
  constructor(pattern: Buffer) {
    const text = pattern.toString();
    this.#isText = !text.includes(REPLACEMENT);
    this.#text = new Glob(text);
    this.#bytes = new Glob(pattern.toString('latin1'));
  }

  /** A key that is not UTF-8, or any key if the pattern is not, is compared byte by byte. */
  matches(key: Buffer): boolean {
    const text = key.toString();
    return this.#isText && !text.includes(REPLACEMENT)
      ? this.#text.matchesText(text)
      : this.#bytes.matchesText(key.toString('latin1'));
  }
}

/** A pattern that matches exactly this text. */
export function escapePattern(text: string): string {
  return text.replace(/[*?[]/g, '[$&]');
}

function matchesAt(part: Unit[], chars: string[], start: number): boolean {
  if (start + part.length > chars.length) return false;
  return part.every((unit, index) => matchesUnit(unit, chars[start + index] as string));
}

function matchesUnit(unit: Unit, char: string): boolean {
  if (unit === undefined) return true;
  if ('literal' in unit) return unit.literal === char;
  const code = codeOf(char);
  return unit.ranges.some(([low, high]) => codeOf(low) <= code && code <= codeOf(high)) !== unit.negated;
}

function codeOf(char: string): number {
  return char.codePointAt(0) as number;
}
