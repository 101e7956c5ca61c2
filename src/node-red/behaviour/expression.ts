import type { Node, NodeAPI, NodeMessage } from 'node-red';
import { type ErrorContext, StateStoreError } from '../../errors';

/** A JSONata expression as Core prepares it: with variables, `$flowContext()`, `$env()` and the like. */
type Prepared = ReturnType<NodeAPI['util']['prepareJSONataExpression']>;

/** The JSONata expression of a node, which sees a message and what a key holds, as `$value`. */
export class Expression {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #text: string;
  /** Prepared and not in use: a variable belongs to one evaluation at a time, and evaluations wait for context stores. */
  readonly #idle: Prepared[] = [];

  constructor(RED: NodeAPI, node: Node, text: string) {
    this.#RED = RED;
    this.#node = node;
    this.#text = text;
  }

  /** Throws `BAD_ARGUMENT` for what is no expression. */
  check(context: ErrorContext): void {
    if (this.#idle.length === 0) this.#idle.push(this.#prepare(context));
  }

  /** The result, `undefined` when there is none. Rejects with `BAD_ARGUMENT` that names the key. */
  async evaluate(
    msg: NodeMessage,
    value: unknown,
    context: ErrorContext & { key: string },
  ): Promise<unknown> {
    const prepared = this.#idle.pop() ?? this.#prepare(context);
    prepared.assign('value', value);
    try {
      return await new Promise((resolve, reject) => {
        this.#RED.util.evaluateJSONataExpression(prepared, msg, (error: Error | null, result: unknown) =>
          error ? reject(error) : resolve(result),
        );
      });
    } catch (error) {
      throw new StateStoreError(
        'BAD_ARGUMENT',
        `The expression failed: ${wordsOf(error)}. Key ${context.key} was not changed. Correct the expression in the node, or look at what the key and the message hold.`,
        { ...context, cause: error },
      );
    } finally {
      this.#idle.push(prepared);
    }
  }

  #prepare(context: ErrorContext): Prepared {
    const text = this.#text.trim();
    if (text === '')
      throw bad('This node has no expression. Enter one, like $value + 1.', context, undefined);
    try {
      return this.#RED.util.prepareJSONataExpression(text, this.#node);
    } catch (error) {
      const message = `The expression of this node cannot be understood: ${wordsOf(error)}. Correct it in the node.`;
      throw bad(message, context, error);
    }
  }
}

function bad(message: string, context: ErrorContext, cause: unknown): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', message, { ...context, cause });
}

/** JSONata throws objects that are no errors. */
function wordsOf(error: unknown): string {
  const { message, position } = error as { message?: string; position?: number };
  const text = (message ?? String(error)).replace(/\.$/, '');
  return position === undefined ? text : `${text} (position ${position})`;
}
