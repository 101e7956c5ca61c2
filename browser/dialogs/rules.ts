/** Validators for the properties of a node: each returns true, or the text that explains what to enter, or false without a text. */
import type { EditorNodeInstance } from 'node-red';

/** A node in the editor with the properties that its type defines. */
export type EditedNode = EditorNodeInstance &
  Record<string, unknown> & { _def: { defaults: Record<string, { value: unknown } | undefined> } };

type Verdict = boolean | string;
export type Check = (value: unknown, node: EditedNode, opt: unknown) => Verdict;
/** `undefined`: Core's own check of the typed value decides. */
export type TypedCheck = (value: unknown, type: string, node: EditedNode) => Verdict | undefined;

/** The editor takes a text for an error only from functions with two parameters. */
export type Validator = (this: EditedNode, value: unknown, opt: unknown) => Verdict;

export const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || String(value).trim() === '';

/** Whether a value is a variable of the environment: `${NAME}`. */
export const isEnvironment = (value: unknown): boolean => /^\$\{[^}]+\}$/.test(String(value).trim());

export const rule = (check: Check): Validator =>
  function (value, opt) {
    return check(value, this, opt);
  };

/** Blank, a variable of the environment, or a value that `is` accepts. */
const optional = (is: (text: string) => boolean, text: () => string): Validator =>
  rule((value) => isBlank(value) || isEnvironment(value) || is(String(value).trim()) || text());

export const wholeNumber = (min: number, max: number, text: () => string): Validator =>
  optional((value) => /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max, text);

export const seconds = (min: number, max: number, text: () => string): Validator =>
  optional((value) => Number(value) >= min && Number(value) <= max, text);

/** A typed input, whose type is in the property `<field>Type`. */
export const typedInput = (field: string, check: TypedCheck = () => undefined): Validator =>
  rule((value, node, opt) => {
    const typeField = `${field}Type`;
    const type = String($(`#node-input-${typeField}`).val() || node[typeField]);
    return check(value, type, node) ?? RED.validators.typedInput(typeField).call(node, value, opt);
  });
