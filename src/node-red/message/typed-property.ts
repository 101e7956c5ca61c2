import type { Node, NodeAPI, NodeMessageInFlow } from 'node-red';
import { messageOf, StateStoreError } from '../../errors';
import { fieldText } from '../words/field-text';
import { UnsetVariableError, variablesOf, withVariables } from './environment';
import type * as textTemplate from './text-template';

/** Loaded with the first template, and mustache with it. */
const loadTemplate = (): typeof textTemplate => require('./text-template');

/** What every template has: see `TextTemplate.is`. */
const BRACES = '{{';

/** A value and its type as Node-RED's typed input stores them: `payload` and `msg`, `5` and `num`. */
export interface TypedInput {
  value: string;
  type: string;
  /** Whether text may have `{{names}}` in it. */
  template?: boolean;
  /** Applied to each value that takes the place of `{{a name}}`. */
  escaped?: (text: string) => string;
}

/** Types whose value may come later: context stores may be slow, JSONata is asynchronous. */
const ASYNCHRONOUS = new Set(['flow', 'global', 'jsonata']);

/** Types that say something without a value: empty text, and the time of day. */
const MEANT_BLANK = new Set(['str', 'date']);

/** Properties of the message that need no parser: `payload`, `payload.id`. */
const PLAIN = /^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/;

/** Those of them that are properties of the message itself. */
const OWN = /^[A-Za-z_$][\w$]*$/;

type Reader = (msg: NodeMessageInFlow) => unknown;

/** One typed input of a node, ready to be read for every message. What needs no message is decided once. */
export class TypedProperty {
  /** How a person calls it: `msg.payload`. */
  readonly label: string;
  /** Whether the field was left blank. */
  readonly blank: boolean;
  /** Whether it is the same for every message. */
  readonly fixed: boolean;
  /** The property of the message that has the value, if it is one of the message itself: `payload`. */
  readonly own: string | undefined;
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #field: string;
  readonly #input: TypedInput;
  readonly #read: Reader;

  /** `field` names the input in errors. */
  constructor(RED: NodeAPI, node: Node, field: string, input: TypedInput) {
    const { type } = input;
    const value = fieldText(input.value);
    this.#RED = RED;
    this.#node = node;
    this.#field = field;
    this.#input = { ...input, value };
    this.blank = value === '';
    this.label = ['msg', 'flow', 'global'].includes(type) ? `${type}.${value}` : `the ${field}`;
    const fixed = this.#fixedReader();
    this.fixed = fixed !== undefined;
    this.own = !this.fixed && type === 'msg' && OWN.test(value) ? value : undefined;
    this.#read = fixed ?? this.#reader();
  }

  /** The value for this message, `undefined` when there is none. Throws or rejects with `BAD_ARGUMENT` that names the field. */
  read(msg: NodeMessageInFlow): unknown {
    return this.#read(msg);
  }

  #fixedReader(): Reader | undefined {
    const { value, type } = this.#input;
    if (this.blank && !MEANT_BLANK.has(type)) return () => undefined;
    if (type === 'str' && !this.#isTemplate) return this.#fixedText();
    if (type !== 'num') return undefined;
    const number = Number(value);
    return () => number;
  }

  /** The text of a field that takes templates has variables as well: `${NAME}`. */
  #fixedText(): Reader {
    const { value, template } = this.#input;
    if (!template) return () => value;
    try {
      const variables = variablesOf(this.#RED, this.#node);
      const text = withVariables(value, variables, (name) => new UnsetVariableError(name));
      return () => text;
    } catch (error) {
      const unreadable = this.#unreadable(error);
      return () => {
        throw unreadable;
      };
    }
  }

  #reader(): Reader {
    const { value, type } = this.#input;
    if (this.#isTemplate) return this.#templateReader();
    if (type === 'msg' && PLAIN.test(value) && !value.startsWith('msg.')) {
      const [first, ...rest] = value.split('.') as [string, ...string[]];
      if (rest.length === 0) return (msg) => propertyOf(msg, first);
      return (msg) => {
        let found = propertyOf(msg, first);
        for (const name of rest) {
          // A property of something that is not there is not there either.
          if (found === undefined || found === null) return undefined;
          found = propertyOf(found, name);
        }
        return found;
      };
    }
    if (ASYNCHRONOUS.has(type)) return (msg) => this.#readLater(msg);
    return (msg) => this.#evaluate(msg);
  }

  get #isTemplate(): boolean {
    const { value, type, template } = this.#input;
    return type === 'str' && template === true && value.includes(BRACES);
  }

  #templateReader(): Reader {
    const { TextTemplate } = loadTemplate();
    let template: textTemplate.TextTemplate;
    try {
      const { value, escaped } = this.#input;
      template = new TextTemplate(this.#RED, this.#node, value, escaped);
    } catch (error) {
      return () => {
        throw this.#unreadable(error);
      };
    }
    return (msg) => {
      try {
        const text = template.render(msg);
        return text instanceof Promise
          ? text.catch((error) => {
              throw this.#unreadable(error);
            })
          : text;
      } catch (error) {
        throw this.#unreadable(error);
      }
    };
  }

  #evaluate(msg: NodeMessageInFlow): unknown {
    const { value, type } = this.#input;
    try {
      return this.#RED.util.evaluateNodeProperty(value, type, this.#node, msg);
    } catch (error) {
      // A property of something that is not there (msg.a.b without msg.a) is not there either.
      if (type === 'msg' && error instanceof TypeError) return undefined;
      throw this.#unreadable(error);
    }
  }

  async #readLater(msg: NodeMessageInFlow): Promise<unknown> {
    const { value, type } = this.#input;
    try {
      return await new Promise((resolve, reject) => {
        this.#RED.util.evaluateNodeProperty(
          value,
          type,
          this.#node,
          msg,
          (error: Error | null, result: unknown) => (error ? reject(error) : resolve(result)),
        );
      });
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  #unreadable(error: unknown): StateStoreError {
    const { value } = this.#input;
    return new StateStoreError(
      'BAD_ARGUMENT',
      `The ${this.#field} "${value}" of this node could not be evaluated: ${messageOf(error)}. Correct it in the node.`,
      { cause: error },
    );
  }
}

export function propertyOf(from: object, name: string): unknown {
  return (from as Record<string, unknown>)[name];
}
