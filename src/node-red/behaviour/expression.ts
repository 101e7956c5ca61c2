import type { Node, NodeAPI, NodeMessage } from 'node-red';
import { type ErrorContext, StateStoreError } from '../../errors';

/** A JSONata expression as Core prepares it: with variables, `$flowContext()`, `$env()` and the like. */
type Prepared = ReturnType<NodeAPI['util']['prepareJSONataExpression']>;

/** The result of an expression that deletes the key: its variable `$delete`. */
export const DELETE: unique symbol = Symbol('delete');
const DELETE_VARIABLE = Object.freeze({ statestore: 'delete' });

/** The JSONata expression of a node. It sees a message, and the value of a key as `$value`. */
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

  /**
   * The result, or {@link DELETE}. Rejects with `BAD_ARGUMENT` that names the key if the expression fails or has no result: a mistyped
   * name or a missing property has none, and must not delete a key.
   */
  async evaluate(
    msg: NodeMessage,
    value: unknown,
    context: ErrorContext & { key: string },
  ): Promise<unknown> {
    const prepared = this.#idle.pop() ?? this.#prepare(context);
    prepared.assign('value', value);
    prepared.assign('delete', DELETE_VARIABLE);
    let result: unknown;
    try {
      result = await new Promise((resolve, reject) => {
        this.#RED.util.evaluateJSONataExpression(prepared, msg, (error: Error | null, outcome: unknown) =>
          error ? reject(error) : resolve(outcome),
        );
      });
    } catch (error) {
      throw new StateStoreError(
        'BAD_ARGUMENT',
        `The expression failed: ${wordsOf(error)}. Key ${context.key} was not changed. Correct the expression in the node, or check the values of the key and the message.`,
        { ...context, cause: error },
      );
    } finally {
      this.#idle.push(prepared);
    }
    if (result === DELETE_VARIABLE) return DELETE;
    if (result !== undefined) return result;
    throw new StateStoreError(
      'BAD_ARGUMENT',
      {
        problem: `The expression has no result: key ${context.key} was not changed`,
        advice:
          'Check the values of the key and the message. A missing key has no $value: use ($exists($value) ? $value : 0) + payload, or an initial value. To delete the key, return $delete.',
      },
      context,
    );
  }

  #prepare(context: ErrorContext): Prepared {
    const text = this.#text.trim();
    if (text === '')
      throw bad('This node has no expression. Enter one, for example $value + 1.', context, undefined);
    try {
      return this.#RED.util.prepareJSONataExpression(text, this.#node);
    } catch (error) {
      const message = `The expression of this node is not valid: ${wordsOf(error)}. Correct it in the node.`;
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
