import { Context, parse, type Token, Writer } from 'mustache';
import type { Node, NodeAPI, NodeMessage } from 'node-red';

/** `flow`, `global` and `env` are not in the message: their names begin so, `global[store].name` and `env.NAME`. */
const ELSEWHERE = /^(?<scope>flow|global)(\[(?<store>\w+)\])?\.(?<property>.+)$/;
const ENVIRONMENT = /^env\.(.+)$/;

/**
 * Text with `{{payload.id}}` in it, filled in for every message as by Core's template node: names are properties of the message,
 * of the context (`{{flow.x}}`, `{{global[store].x}}`) or variables (`{{env.X}}`); two braces escape for HTML, three do not.
 */
export class TextTemplate {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #text: string;
  /** Names that take a context store to answer. */
  readonly #later: string[];
  readonly #writer = new Writer();

  /** Whether text is a template. A single brace is text. */
  static is(text: string): boolean {
    return text.includes('{{');
  }

  /** Throws what mustache says of a template that is none. */
  constructor(RED: NodeAPI, node: Node, text: string) {
    this.#RED = RED;
    this.#node = node;
    this.#text = text;
    this.#later = namesOf(parse(text)).filter((name) => ELSEWHERE.test(name));
  }

  /** A promise only where a name is in the context. */
  render(msg: NodeMessage): string | Promise<string> {
    if (this.#later.length === 0) return this.#writer.render(this.#text, this.#scope(msg, new Map()));
    return Promise.all(this.#later.map(async (name) => [name, await this.#fromContext(name)] as const)).then(
      (found) => this.#writer.render(this.#text, this.#scope(msg, new Map(found))),
    );
  }

  #scope(msg: NodeMessage, found: Map<string, unknown>): Context {
    return new Scope(new Context(msg), (name) => {
      const variable = ENVIRONMENT.exec(name)?.[1];
      if (variable !== undefined) return this.#RED.util.evaluateNodeProperty(variable, 'env', this.#node, {});
      return found.get(name);
    });
  }

  #fromContext(name: string): Promise<unknown> {
    const { scope, store, property = '' } = ELSEWHERE.exec(name)?.groups ?? {};
    const { flow, global } = this.#node.context();
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, value: unknown) => (error ? reject(error) : resolve(value));
      (scope === 'flow' ? flow : global).get(property, store, done);
    });
  }
}

/** Asks elsewhere first, then the message. */
class Scope extends Context {
  readonly #inner: Context;
  readonly #elsewhere: (name: string) => unknown;

  constructor(inner: Context, elsewhere: (name: string) => unknown) {
    super({});
    this.#inner = inner;
    this.#elsewhere = elsewhere;
  }

  override lookup(name: string): unknown {
    return this.#elsewhere(name) ?? this.#inner.lookup(name);
  }

  override push(view: unknown): Context {
    return new Scope(this.#inner.push(view), this.#elsewhere);
  }
}

function namesOf(tokens: Token[]): string[] {
  return tokens.flatMap(([kind, value, , , pieces]) => [
    ...(kind === 'text' ? [] : [value]),
    ...(Array.isArray(pieces) ? namesOf(pieces) : []),
  ]);
}
