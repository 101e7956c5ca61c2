/**
 * The file formats in which users and rules come: a `BrokerAuthorization` of Kubernetes, several documents or a `List` of them, the
 * output of `az iot ops broker authz show` and `list`, and an ARM template. Others' parts are left out; a name that is not known in
 * ours is an error.
 */
import { parseAllDocuments } from 'yaml';

/** What is wrong with a file of rules, and where. */
export class RulesError extends Error {}

/** A part of the file, and its place for errors. */
interface Part {
  value: unknown;
  place: string;
}

export interface RulesFile {
  users: Part[];
  rules: Part[];
}

/** What was found so far, and in how many resources. */
interface Found extends RulesFile {
  found: number;
}

const KIND = 'BrokerAuthorization';
const ARM_TYPE = /^microsoft\.iotoperations\/instances\/brokers\/authorizations$/i;
/** Names that Kubernetes gives every resource, and `users` of this emulator. */
const RESOURCE = ['apiVersion', 'kind', 'metadata', 'spec', 'status', 'users'];

/** Reads JSON or YAML. Throws {@link RulesError} that names the place. */
export function readRulesFile(text: string): RulesFile {
  const documents = parseAllDocuments(text);
  const file: Found = { users: [], rules: [], found: 0 };
  const filled = ('empty' in documents ? [] : documents).filter(
    (one) => one.errors.length > 0 || one.toJS() !== null,
  );
  for (const [index, document] of filled.entries()) {
    const [error] = document.errors;
    if (error) throw new RulesError(`not valid JSON or YAML: ${error.message.split('\n')[0]}`);
    const place = filled.length === 1 ? '' : `document ${index + 1}: `;
    readResource(document.toJS(), place, file);
  }
  if (filled.length === 0) throw new RulesError('the file is empty');
  if (file.found === 0) throw new RulesError(`the file has no ${KIND}`);
  return { users: file.users, rules: file.rules };
}

/** `place` ends so that a name can follow. */
function readResource(value: unknown, place: string, file: Found): void {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) readResource(one, `${place}[${index}].`, file);
    return;
  }
  const resource = object(value, place === '' ? 'the file' : place.replace(/[.:] ?$/, ''));
  const nested = listed(resource);
  if (nested) {
    const [name, items] = nested;
    for (const [index, one] of list(items, `${place}${name}`).entries())
      readResource(one, `${place}${name}[${index}].`, file);
    return;
  }
  const { kind, type } = resource;
  // A manifest has other resources as well.
  if (typeof kind === 'string' && kind !== KIND) return;
  if (typeof type === 'string') {
    if (!ARM_TYPE.test(type)) return;
    file.found++;
    readPolicies(resource.properties, `${place}properties`, file);
    return;
  }
  file.found++;
  knowing(resource, RESOURCE, place);
  for (const [index, user] of list(resource.users ?? [], `${place}users`).entries())
    file.users.push({ value: user, place: `${place}users[${index}]` });
  const spec = `${place}spec`;
  knowing(object(resource.spec ?? {}, spec), ['authorizationPolicies'], `${spec}.`);
  readPolicies(resource.spec ?? {}, spec, file);
}

/** The name and the entries of a list of resources: a `List` of Kubernetes, or an ARM template. */
function listed(resource: Record<string, unknown>): [name: string, items: unknown] | undefined {
  if (typeof resource.kind === 'string' && resource.kind.endsWith('List'))
    return ['items', resource.items ?? []];
  return resource.resources === undefined ? undefined : ['resources', resource.resources];
}

function readPolicies(value: unknown, place: string, file: Found): void {
  const where = `${place}.authorizationPolicies`;
  const policies = object(object(value, place).authorizationPolicies ?? {}, where);
  knowing(policies, ['cache', 'rules'], `${where}.`);
  for (const [index, rule] of list(policies.rules ?? [], `${where}.rules`).entries())
    file.rules.push({ value: rule, place: `${where}.rules[${index}]` });
}

/** Throws {@link RulesError} that names the first property that is not one of these. `place` ends so that a name can follow. */
export function knowing(value: Record<string, unknown>, names: readonly string[], place: string): void {
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new RulesError(`${place}${unknown} is not known. Known here: ${names.join(', ')}`);
}

export function object(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new RulesError(`${place} must be an object`);
}

export function list(value: unknown, place: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new RulesError(`${place} must be a list`);
}
