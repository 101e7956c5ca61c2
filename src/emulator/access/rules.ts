/**
 * Who may do what at the emulator: users, and rules in the shape of a `BrokerAuthorization` of Azure IoT Operations
 * (docs/protocol.md section 11). Rules only allow; what no rule allows is denied.
 */
import { Glob, PatternError } from '../../protocol/glob';
import { knowing, list, object, RulesError, readRulesFile } from './rules-file';

export { RulesError };

/** Who a client is. */
export interface Principal {
  clientId: string;
  username?: string;
  attributes: Record<string, string>;
}

export type Access = 'Read' | 'Write';
type BrokerMethod = 'Connect' | 'Publish' | 'Subscribe';

interface User {
  username: string;
  password: string;
  attributes: Record<string, string>;
}

interface BrokerResource {
  method: BrokerMethod;
  clientIds: Pattern[];
  topics: string[];
}

interface StateStoreResource {
  method: 'Read' | 'Write' | 'ReadWrite';
  matches: (key: Buffer, principal: Principal) => boolean;
}

interface Rule {
  clientIds: string[];
  usernames: string[];
  attributes: Record<string, string>[];
  brokerResources: BrokerResource[];
  stateStoreResources: StateStoreResource[];
}

const WILDCARDS = ['+', '#'];

/** Users and rules of the emulator. */
export class Rules {
  readonly #users: User[];
  readonly #rules: Rule[];
  readonly #restrictsBroker: boolean;

  private constructor(users: User[], rules: Rule[]) {
    this.#users = users;
    this.#rules = rules;
    this.#restrictsBroker = rules.some(({ brokerResources }) => brokerResources.length > 0);
  }

  /**
   * Reads JSON or YAML: `users` (a list of `username`, `password` and, if needed, `attributes`) and
   * `spec.authorizationPolicies.rules`, or another format of docs/emulator.md. Throws {@link RulesError} that names the place.
   */
  static parse(text: string): Rules {
    const { users, rules } = readRulesFile(text);
    return new Rules(
      users.map(({ value, place }) => readUser(value, place)),
      rules.map(({ value, place }) => readRule(value, place)),
    );
  }

  /** No rule grants access to any key, so that the store refuses every request. */
  get grantsNoKey(): boolean {
    return this.#rules.every(({ stateStoreResources }) => stateStoreResources.length === 0);
  }

  /** The client's attributes if it may log in, otherwise undefined. Without users every client may log in. */
  logIn(username: string | undefined, password: string | undefined): Record<string, string> | undefined {
    if (this.#users.length === 0) return {};
    return this.#users.find((user) => user.username === username && user.password === password)?.attributes;
  }

  /** The attributes of a user whose certificate proves the name, which need not be in the list. */
  attributesOf(username: string): Record<string, string> {
    return this.#users.find((user) => user.username === username)?.attributes ?? {};
  }

  /** Whether the broker lets a client connect, publish or subscribe. Without rules for that it does. @internal */
  allowsBroker(principal: Principal, method: BrokerMethod, topic = ''): boolean {
    if (!this.#restrictsBroker) return true;
    return this.#of(principal).some(({ brokerResources }) =>
      brokerResources.some(
        (resource) =>
          resource.method === method &&
          (method === 'Connect'
            ? resource.clientIds.length === 0 || matchesAny(resource.clientIds, principal.clientId, principal)
            : resource.topics.some((filter) => coversTopic(filter, principal, topic))),
      ),
    );
  }

  /** Whether the store lets a client read or write a key. @internal */
  allowsKey(principal: Principal, access: Access, key: Buffer): boolean {
    return this.#of(principal).some(({ stateStoreResources }) =>
      stateStoreResources.some(
        ({ method, matches }) => (method === access || method === 'ReadWrite') && matches(key, principal),
      ),
    );
  }

  #of(principal: Principal): Rule[] {
    return this.#rules.filter(
      ({ clientIds, usernames, attributes }) =>
        clientIds.includes('*') ||
        clientIds.includes(principal.clientId) ||
        usernames.includes(principal.username ?? '') ||
        attributes.some((wanted) =>
          Object.entries(wanted).every(([name, value]) => principal.attributes[name] === value),
        ),
    );
  }
}

type KeyType = 'Pattern' | 'String' | 'Binary';

/** Throws {@link RulesError} if a pattern is not valid: the first request would be too late. */
function readKeys(keyType: KeyType, keys: string[], place: string): StateStoreResource['matches'] {
  switch (keyType) {
    case 'Binary': {
      const bytes = keys.map((one) => Buffer.from(one, 'base64'));
      return (key) => bytes.some((one) => one.equals(key));
    }
    case 'String':
      return (key, principal) => keys.some((one) => Buffer.from(substitute(one, principal)).equals(key));
    case 'Pattern': {
      const patterns = readPatterns(keys, place);
      return (key, principal) => matchesAny(patterns, key.toString(), principal);
    }
  }
}

function readPatterns(patterns: string[], place: string): Pattern[] {
  return patterns.map((one, index) => {
    try {
      return new Pattern(one);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      throw new RulesError(`${place}[${index}] must be a pattern such as machine/[0-9]*: ${error.message}`);
    }
  });
}

function matchesAny(patterns: Pattern[], text: string, principal: Principal): boolean {
  return patterns.some((pattern) => pattern.matches(text, principal));
}

/** A pattern in which the attributes of a principal may be put. They are taken literally. */
class Pattern {
  readonly #parts: string[];
  /** Undefined if it depends on the principal. */
  readonly #glob: Glob | undefined;

  /** Throws {@link PatternError}. */
  constructor(pattern: string) {
    this.#parts = pattern.split(/(\{principal\.[^}]+\})/);
    const glob = this.#for({ clientId: '', attributes: {} });
    this.#glob = this.#parts.length === 1 ? glob : undefined;
  }

  matches(text: string, principal: Principal): boolean {
    return (this.#glob ?? this.#for(principal)).matchesText(text);
  }

  #for(principal: Principal): Glob {
    const parts = this.#parts.map((part, index) =>
      index % 2 === 0 ? part : { literal: substitute(part, principal) },
    );
    return new Glob(...parts);
  }
}

function substitute(text: string, { clientId, username, attributes }: Principal): string {
  return text.replace(
    /\{principal\.(clientId|username|attributes\.([^}]+))\}/g,
    (_all, what: string, name: string) => {
      if (what === 'clientId') return clientId;
      return (what === 'username' ? username : attributes[name]) ?? '';
    },
  );
}

/**
 * True if a rule for this filter covers a topic, or all topics of another filter (MQTT 5 section 4.7). `+` is one level, but not `#`.
 * `#` is all levels that follow. Substituted values are taken literally, and are never wildcards.
 */
function coversTopic(filter: string, principal: Principal, topic: string): boolean {
  const wanted = filter.split('/').flatMap((level) =>
    WILDCARDS.includes(level)
      ? [{ level, isWildcard: true }]
      : substitute(level, principal)
          .split('/')
          .map((literal) => ({ level: literal, isWildcard: false })),
  );
  const levels = topic.split('/');
  for (const [index, { level, isWildcard }] of wanted.entries()) {
    if (isWildcard && level === '#') return index === wanted.length - 1;
    const present = levels[index];
    if (present === undefined) return false;
    const isCovered = isWildcard ? present !== '#' : present === level && !WILDCARDS.includes(present);
    if (!isCovered) return false;
  }
  return levels.length === wanted.length;
}

function readUser(value: unknown, place: string): User {
  const user = object(value, place);
  knowing(user, ['username', 'password', 'attributes'], `${place}.`);
  const { username, password, attributes } = user;
  return {
    username: text(username, `${place}.username`),
    password: text(password, `${place}.password`),
    attributes: texts(attributes ?? {}, `${place}.attributes`),
  };
}

function readRule(value: unknown, place: string): Rule {
  const rule = object(value, place);
  knowing(rule, ['principals', 'brokerResources', 'stateStoreResources'], `${place}.`);
  const principals = object(rule.principals ?? {}, `${place}.principals`);
  knowing(principals, ['clientIds', 'usernames', 'attributes'], `${place}.principals.`);
  const textList = (from: unknown, where: string) =>
    list(from ?? [], where).map((one, i) => text(one, `${where}[${i}]`));
  return {
    clientIds: textList(principals.clientIds, `${place}.principals.clientIds`),
    usernames: textList(principals.usernames, `${place}.principals.usernames`),
    attributes: list(principals.attributes ?? [], `${place}.principals.attributes`).map((one, i) =>
      texts(one, `${place}.principals.attributes[${i}]`),
    ),
    brokerResources: list(rule.brokerResources ?? [], `${place}.brokerResources`).map((one, i) => {
      const where = `${place}.brokerResources[${i}]`;
      const resource = object(one, where);
      knowing(resource, ['method', 'clientIds', 'topics'], `${where}.`);
      return {
        method: oneOf(resource.method, ['Connect', 'Publish', 'Subscribe'], `${where}.method`),
        clientIds: readPatterns(textList(resource.clientIds, `${where}.clientIds`), `${where}.clientIds`),
        topics: textList(resource.topics, `${where}.topics`),
      };
    }),
    stateStoreResources: list(rule.stateStoreResources ?? [], `${place}.stateStoreResources`).map(
      (one, i) => {
        const where = `${place}.stateStoreResources[${i}]`;
        const resource = object(one, where);
        knowing(resource, ['method', 'keyType', 'keys'], `${where}.`);
        const keyType = oneOf(resource.keyType, ['Pattern', 'String', 'Binary'], `${where}.keyType`);
        return {
          method: oneOf(resource.method, ['Read', 'Write', 'ReadWrite'], `${where}.method`),
          matches: readKeys(keyType, textList(resource.keys, `${where}.keys`), `${where}.keys`),
        };
      },
    ),
  };
}

function text(value: unknown, place: string): string {
  if (typeof value === 'string') return value;
  throw new RulesError(`${place} must be text`);
}

function texts(value: unknown, place: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object(value, place)).map(([name, one]) => [name, text(one, `${place}.${name}`)]),
  );
}

function oneOf<const Word extends string>(value: unknown, words: readonly Word[], place: string): Word {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw new RulesError(`${place} must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
}
