import { Context, parse, type Token, Writer } from 'mustache';
import type { Node, NodeAPI, NodeMessage } from 'node-red';
import { UnsetVariableError, type Variables, variablesIn, variablesOf, withVariables } from './environment';

/** `flow`, `global` and `env` are not in the message: their names begin so, `global[store].name` and `env.NAME`. */
const ELSEWHERE = /^(?<scope>flow|global)(\[(?<store>\w+)\])?\.(?<property>.+)$/;
const ENVIRONMENT = /^env\.(.+)$/;

/** Keys and names are not HTML. */
const asItIs = (text: string): string => text;

/** A `${NAME}` that is to be filled in with the rest of a template. */
const TAG = (name: string) => `{{&env.${name}}}`;

/**
 * Text with `{{payload.id}}` or `${NAME}` in it, filled in for every message: names are properties of the message, of the context
 * (`{{flow.x}}`, `{{global[store].x}}`) or variables (`{{env.X}}`).
 */
export class TextTemplate {
  /** Of properties, context and variables. */
  readonly names: readonly string[];
  readonly #variables: Variables;
  readonly #node: Node;
  readonly #text: string;
  /** Names that take a context store to answer. */
  readonly #later: string[];
  readonly #config: { escape: (value: unknown) => string };
  readonly #writer = new Writer();

  /** Whether text is a template. A single brace is text. */
  static is(text: string): boolean {
    return text.includes('{{');
  }

  /** The name of the variable, of a name that is `env.NAME`. */
  static variable(name: string): string | undefined {
    return ENVIRONMENT.exec(name)?.[1];
  }

  /**
   * `escaped` is applied to values in two braces, but not to those in three. Throws what mustache says of a template that is not valid, and
   * {@link UnsetVariableError} for a `${NAME}` that is not set.
   */
  constructor(RED: NodeAPI, node: Node, text: string, escaped = asItIs) {
    const variables = variablesOf(RED, node);
    for (const name of variablesIn(text))
      if (variables(name) === undefined) throw new UnsetVariableError(name);
    this.#config = { escape: (value) => escaped(String(value)) };
    this.#variables = variables;
    this.#node = node;
    // The value of a variable is text, not a part of the template.
    this.#text = withVariables(text, TAG, () => new Error());
    this.names = namesOf(parse(this.#text));
    this.#later = this.names.filter((name) => ELSEWHERE.test(name));
  }

  /** A promise only if a name is in the context. */
  render(msg: NodeMessage): string | Promise<string> {
    if (this.#later.length === 0) return this.renderNow(msg);
    return Promise.all(this.#later.map(async (name) => [name, await this.#fromContext(name)] as const)).then(
      (found) => this.#write(this.#scope(msg, new Map(found))),
    );
  }

  /** The same at once; names in the context are empty. */
  renderNow(msg: NodeMessage): string {
    return this.#write(this.#scope(msg, new Map()));
  }

  #write(scope: Context): string {
    return this.#writer.render(this.#text, scope, undefined, this.#config);
  }

  #scope(msg: NodeMessage, found: Map<string, unknown>): Context {
    return new Scope(new Context(msg), (name) => {
      const variable = TextTemplate.variable(name);
      if (variable !== undefined) return this.#variables(variable) ?? '';
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
