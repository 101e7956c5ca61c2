/** Finds what a value has that only this process can use: functions, objects with a class, references back to itself. Pure. */

/** A function, an object of a class, or a reference to an object that contains it. */
type LiveKind = { name: 'function' | 'reference' } | { name: 'object'; className: string };

/** A part that JSON does not have. */
export interface LivePart {
  kind: LiveKind;
  /** Names of the properties that lead to the part; none: the value is the part. */
  path: readonly string[];
}

/** More names than these say nothing to a person. */
const MAX_NAMES = 10;

/** The way to a part as text. */
export function shownPath(path: readonly string[]): string {
  return `${path.slice(0, MAX_NAMES).join('.')}${path.length > MAX_NAMES ? '...' : ''}`;
}

/** A value with no more parts, none of them deeper, is walked through without a record of the objects that were seen. */
const MAX_PARTS = 10_000;
const MAX_DEPTH = 100;

/** The first live part, `undefined` for data. Objects that say what JSON they are (dates, buffers, addresses) are data. */
export function livePartOf(value: unknown): LivePart | undefined {
  if (typeof value === 'function') return { kind: { name: 'function' }, path: [] };
  if (typeof value !== 'object' || value === null) return undefined;
  return isPlainTree(value) ? undefined : search(value);
}

/** Whether a value is a small tree of data. A value that is large, deep or circular is not. */
function isPlainTree(value: object): boolean {
  let parts = 0;
  const look = (part: unknown, depth: number): boolean => {
    if (typeof part === 'function') return false;
    if (typeof part !== 'object' || part === null) return true;
    if (depth > MAX_DEPTH) return false;
    if (Array.isArray(part)) {
      parts += part.length;
      return parts <= MAX_PARTS && part.every((one) => look(one, depth + 1));
    }
    if (hasJson(part)) return true;
    if (classOf(part) !== undefined) return false;
    for (const name in part) {
      if (++parts > MAX_PARTS || !look((part as Record<string, unknown>)[name], depth + 1)) return false;
    }
    return true;
  };
  return look(value, 0);
}

interface Step {
  object: object;
  names: string[];
  next: number;
}

/** Without recursion, since a value may be deep. Every object is looked at once, however many others refer to it. */
function search(root: object): LivePart | undefined {
  const done = new Set<object>();
  const onTheWay = new Set<object>();
  const steps: Step[] = [];
  /** Returns the kind of a live part; goes into an object of data. */
  const enter = (part: unknown): LiveKind | undefined => {
    if (typeof part === 'function') return { name: 'function' };
    if (typeof part !== 'object' || part === null || done.has(part) || hasJson(part)) return undefined;
    if (onTheWay.has(part)) return { name: 'reference' };
    const name = Array.isArray(part) ? undefined : classOf(part);
    if (name !== undefined) return { name: 'object', className: name };
    onTheWay.add(part);
    steps.push({ object: part, names: Object.keys(part), next: 0 });
    return undefined;
  };
  let kind = enter(root);
  for (let step = steps.at(-1); step && kind === undefined; step = steps.at(-1)) {
    const name = step.names[step.next++];
    if (name === undefined) {
      steps.pop();
      onTheWay.delete(step.object);
      done.add(step.object);
    } else {
      kind = enter((step.object as Record<string, unknown>)[name]);
    }
  }
  if (kind === undefined) return undefined;
  return { kind, path: steps.map(({ names, next }) => names[next - 1] as string) };
}

function hasJson(part: object): boolean {
  return typeof (part as { toJSON?: unknown }).toJSON === 'function';
}

/** `undefined` for a plain object, also one of a function node: it has a root object of its own. */
function classOf(part: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(part);
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  if (Object.getPrototypeOf(prototype) === null) return undefined;
  const { constructor: made } = prototype as { constructor?: unknown };
  return (typeof made === 'function' && made.name) || 'without a name';
}
