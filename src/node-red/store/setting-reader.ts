/** Reads single settings of a store: with the values of environment variables, and errors that name the setting. */
import { StateStoreError } from '../../errors';
import { type Variables, wholeVariable, withVariables } from '../message/environment';
import { fieldText } from '../words/field-text';

/** Labels in the dialog of a store, for settings with another name. */
export const LABELS: Readonly<Record<string, string>> = {
  inFlightLimit: 'Max. in flight',
  queueLimit: 'Max. queued',
  keepAlive: 'Keep alive',
  sessionExpiry: 'Session expiry',
  clientId: 'Client ID',
  keyPrefix: 'Key prefix',
  caFile: 'CA file',
  certFile: 'Certificate file',
  keyFile: 'Key file',
  tokenFile: 'Token file',
  metricCategory: 'Metrics',
  persistName: 'Persist flag',
  persistValue: 'Flag value',
  tls: 'TLS',
};

/** The longest timer of Node.js, in seconds. */
const MAX_SECONDS = 2_147_483;

export class SettingReader {
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  /** A blank setting is left out. */
  text<Name extends string>(name: Name, value: unknown): { [N in Name]?: string } {
    return named(name, this.resolved(name, fieldText(value).trim()));
  }

  /** As {@link text}, for a setting in which a blank at the beginning or the end counts. */
  exactText<Name extends string>(name: Name, value: unknown): { [N in Name]?: string } {
    return named(name, this.resolved(name, fieldText(value)));
  }

  /** As {@link exactText}; `${` inside other text is not a variable. */
  secret<Name extends string>(name: Name, value: unknown, label: string): { [N in Name]?: string } {
    return named(name, wholeVariable(fieldText(value), this.#variables, unset(label)));
  }

  number<Name extends string>(name: Name, value: string | number | undefined): { [N in Name]?: number } {
    const given = fieldText(value).trim();
    if (given === '') return {};
    const parsed = Number(this.resolved(name, given));
    // As it was entered: the value of a variable may be a secret.
    if (Number.isNaN(parsed)) throw badSetting(name, `must be a number, not "${given}"`);
    return { [name]: parsed } as { [N in Name]?: number };
  }

  /** A setting in seconds, as milliseconds. */
  seconds<Name extends string>(name: Name, value: string | number | undefined): { [N in Name]?: number } {
    const seconds = this.number(name, value)[name];
    if (seconds === undefined) return {};
    const ms = Math.round(seconds * 1000);
    if (ms < 1 || ms > MAX_SECONDS * 1000)
      throw badSetting(
        name,
        `must be a number of seconds from 0.001 to ${MAX_SECONDS}, not "${fieldText(value).trim()}"`,
      );
    return { [name]: ms } as { [N in Name]?: number };
  }

  resolved(name: string, value: string): string {
    return withVariables(value, this.#variables, unset(name));
  }
}

function named<Name extends string>(name: Name, value: string): { [N in Name]?: string } {
  return (value ? { [name]: value } : {}) as { [N in Name]?: string };
}

function unset(name: string): (variable: string) => StateStoreError {
  return (variable) =>
    badSetting(name, `is taken from the environment variable ${variable}, which is not set`);
}

export function badSetting(field: string, rule: string): StateStoreError {
  const label = Object.hasOwn(LABELS, field) ? `"${LABELS[field]}"` : `The ${field}`;
  return new StateStoreError('BAD_ARGUMENT', `${label} of this store ${rule}.`);
}
