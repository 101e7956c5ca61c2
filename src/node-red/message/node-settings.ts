/** Settings of a node that are the same for all messages, read when the node is deployed. */
import type { Node, NodeAPI } from 'node-red';
import { messageOf, type Operation, StateStoreError } from '../../errors';
import { fieldText } from '../words/field-text';
import { type Variables, variablesOf, withVariables } from './environment';
import { TextTemplate } from './text-template';

/** What the editor saves; `undefined` if a node was saved before the field existed. */
export type Setting = string | number | undefined;

export interface SecondsRange {
  blank: number;
  least: number;
  most: number;
}

/** Throws `BAD_ARGUMENT` that names the field. */
export class NodeSettings {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #operation: Operation;
  readonly #variables: Variables;

  constructor(RED: NodeAPI, node: Node, operation: Operation) {
    this.#RED = RED;
    this.#node = node;
    this.#operation = operation;
    this.#variables = variablesOf(RED, node);
  }

  /** Text with the values of its variables, empty if it was left blank. */
  text(field: string, value: Setting): string {
    return withVariables(fieldText(value).trim(), this.#variables, (variable) =>
      this.#unset(field, variable),
    );
  }

  /** The same, for a key: it may contain `{{env.NAME}}` as well, but not what only a message has. */
  key(field: string, value: Setting): string {
    const given = fieldText(value).trim();
    if (!TextTemplate.is(given)) return this.text(field, given);
    const template = this.#template(field, given);
    const name = template.names.find((one) => TextTemplate.variable(one) === undefined);
    if (name !== undefined)
      throw this.#bad(
        field,
        `contains {{${name}}}, but is read when the node is deployed, without a message. Use {{env.NAME}} or \${NAME}`,
      );
    for (const one of template.names) {
      const variable = TextTemplate.variable(one) ?? '';
      if (this.#variables(variable) === undefined) throw this.#unset(field, variable);
    }
    return template.renderNow({ _msgid: '' });
  }

  /** Seconds, given as such, in milliseconds. */
  seconds(field: string, value: Setting, { blank, least, most }: SecondsRange): number {
    const text = this.text(field, value);
    const seconds = text === '' ? blank : Number(text);
    if (seconds >= least && seconds <= most) return Math.round(seconds * 1000);
    throw this.#bad(
      field,
      `must be a number of seconds from ${least} to ${most}, not ${JSON.stringify(text)}. Correct it in the node`,
    );
  }

  #template(field: string, text: string): TextTemplate {
    try {
      return new TextTemplate(this.#RED, this.#node, text);
    } catch (error) {
      if (error instanceof StateStoreError) throw error;
      throw this.#bad(field, `is not a valid template: ${messageOf(error)}`);
    }
  }

  #unset(field: string, variable: string): StateStoreError {
    return this.#bad(
      field,
      `is taken from the environment variable ${variable}, which is not set. Correct it in the node`,
    );
  }

  #bad(field: string, rule: string): StateStoreError {
    return new StateStoreError('BAD_ARGUMENT', `The ${field} of this node ${rule}.`, {
      operation: this.#operation,
    });
  }
}
