/** The history of one key of the store: its calls with the results of their callers, and the answers that the store may have given. */
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { checkHistory, type HistoryCall, type Model, type Verdict } from './linearizability';

export type KeyOperation =
  | { do: 'set'; value: string; condition?: 'NX' | 'NEX' | undefined; token?: string | undefined }
  | { do: 'get' }
  | { do: 'delete'; value?: string | undefined; token?: string | undefined }
  /** The store starts again, empty. */
  | { do: 'restart' };

/** Result of a caller. `unknown`: a write may or may not have been applied. */
export type Told =
  | { stored: boolean; version?: string | undefined }
  | { found: boolean; value?: string; version?: string | undefined }
  | { deleted: boolean; found: boolean; version?: string | undefined }
  | { refused: string }
  | { unknown: string }
  | { restarted: true };

export interface KeyCall extends HistoryCall {
  operation: KeyOperation;
  told: Told;
  /** Who called, for people. */
  client: string;
  /** Milliseconds since the begin of the run, for people. */
  at: [begin: number, end: number];
  /** For an unknown outcome: the time at which the caller got it. */
  ended?: number;
  /** Takes effect before this restart (1 is the first one) or never. */
  before?: number;
}

export interface KeyState {
  value: string | undefined;
  /** Version of the value. `undefined` while no caller has it. */
  version: string | undefined;
  fence: string | undefined;
  /** The newest version in a result. Every later one is newer. */
  newest: string | undefined;
  restarts: number;
}

const EMPTY: KeyState = {
  value: undefined,
  version: undefined,
  fence: undefined,
  newest: undefined,
  restarts: 0,
};

export const keyModel: Model<KeyCall, KeyState> = {
  initial: EMPTY,
  step(state, call) {
    if (call.before !== undefined && state.restarts >= call.before) return undefined;
    switch (call.operation.do) {
      case 'restart':
        return { ...EMPTY, newest: state.newest, restarts: state.restarts + 1 };
      case 'get':
        return read(state, call.told);
      case 'set':
        return set(state, call.operation, call.told);
      case 'delete':
        return remove(state, call.operation, call.told);
    }
  },
  describe: ({ value, version, fence, newest, restarts }) =>
    `${value}|${version}|${fence}|${newest}|${restarts}`,
};

function read(state: KeyState, told: Told): KeyState | undefined {
  if (!('found' in told)) return state;
  if (!told.found) return state.value === undefined ? state : undefined;
  if (!('value' in told) || told.value !== state.value) return undefined;
  return withVersion(state, told.version);
}

function set(
  state: KeyState,
  { value, condition, token }: Extract<KeyOperation, { do: 'set' }>,
  told: Told,
): KeyState | undefined {
  const refusal = refusalOf(state, token);
  if (refusal !== undefined || 'refused' in told) return agreed(state, refusal, told);
  const applies = state.value === undefined || condition === undefined || same(condition, state, value);
  if (!applies) {
    if (!('stored' in told)) return state; // an unknown outcome, too: nothing happened
    return told.stored ? undefined : withVersion(state, told.version);
  }
  const version = 'stored' in told ? told.version : undefined;
  if ('stored' in told && !told.stored) return undefined;
  return afterWrite({ ...state, value, version: undefined, fence: token }, version, true);
}

function remove(
  state: KeyState,
  { value, token }: Extract<KeyOperation, { do: 'delete' }>,
  told: Told,
): KeyState | undefined {
  const answer = 'deleted' in told ? told : undefined;
  if (state.value === undefined)
    return 'refused' in told || answer?.found || answer?.deleted ? undefined : state;
  const refusal = refusalOf(state, token);
  if (refusal !== undefined || 'refused' in told) return agreed(state, refusal, told);
  if (value !== undefined && value !== state.value) {
    return answer && (answer.deleted || !answer.found) ? undefined : state;
  }
  if (answer && !answer.deleted) return undefined;
  return afterWrite(
    { ...state, value: undefined, version: undefined, fence: undefined },
    answer?.version,
    false,
  );
}

function same(condition: 'NX' | 'NEX', state: KeyState, value: string): boolean {
  return condition === 'NEX' && state.value === value;
}

/** The refusal that a protected key has for this fencing token. */
function refusalOf({ fence }: KeyState, token: string | undefined): string | undefined {
  if (fence === undefined) return undefined;
  if (token === undefined) return 'FENCING_TOKEN_REQUIRED';
  return isOlder(token, fence) ? 'FENCING_TOKEN_LOWER_VERSION' : undefined;
}

/** A refusal changes nothing, and must be the same as in the result, if there was one. */
function agreed(state: KeyState, refusal: string | undefined, told: Told): KeyState | undefined {
  if ('unknown' in told) return state;
  return 'refused' in told && told.refused === refusal ? state : undefined;
}

/** The version of the value that is there. */
function withVersion(state: KeyState, version: string | undefined): KeyState | undefined {
  if (version === undefined || version === state.version) return state;
  if (state.version !== undefined) return undefined;
  if (state.newest !== undefined && !isOlder(state.newest, version)) return undefined;
  return { ...state, version, newest: version };
}

function afterWrite(state: KeyState, version: string | undefined, isValue: boolean): KeyState | undefined {
  if (version === undefined) return state;
  if (state.newest !== undefined && !isOlder(state.newest, version)) return undefined;
  return { ...state, newest: version, ...(isValue && { version }) };
}

function isOlder(a: string, b: string): boolean {
  return compareHlc(parseHlc(a) as Hlc, parseHlc(b) as Hlc) < 0;
}

/** Searches an order of the calls on one key. */
export function checkKey(history: readonly KeyCall[], limit?: number): Verdict<KeyCall, KeyState> {
  const calls = withObserved(history.filter(matters));
  const versions = calls.map((call) => [call, versionWritten(call)] as const);
  const written = versions.filter((one): one is readonly [KeyCall, string] => one[1] !== undefined);
  written.sort(([, a], [, b]) => compareHlc(parseHlc(a) as Hlc, parseHlc(b) as Hlc));
  const ranks = new Map(written.map(([call], rank) => [call, rank]));
  return checkHistory(calls, { ...keyModel, rank: (call) => ranks.get(call) }, limit);
}

/** A reading without an answer says nothing. */
function matters({ operation, told }: KeyCall): boolean {
  return operation.do !== 'get' || !('unknown' in told);
}

/** The version that a call is known to have written: it gives the order of the writes. */
function versionWritten({ operation, told }: KeyCall): string | undefined {
  if (operation.do === 'set') return 'stored' in told && told.stored ? told.version : undefined;
  return operation.do === 'delete' && 'deleted' in told && told.deleted ? told.version : undefined;
}

/**
 * A SET of unknown outcome was applied, with the version that was read, if its value was read and no other call wrote this value.
 * This shortens the search most.
 */
function withObserved(history: KeyCall[]): KeyCall[] {
  const writers = new Map<string, number>();
  const versions = new Map<string, Set<string>>();
  for (const { operation, told } of history) {
    if (operation.do === 'set') writers.set(operation.value, (writers.get(operation.value) ?? 0) + 1);
    if (!('value' in told) || told.version === undefined) continue;
    const known = versions.get(told.value as string) ?? new Set();
    versions.set(told.value as string, known.add(told.version));
  }
  return history.map((call) => {
    const { operation, told } = call;
    if (operation.do !== 'set' || !('unknown' in told) || writers.get(operation.value) !== 1) return call;
    const [version, ...more] = versions.get(operation.value) ?? [];
    if (version === undefined || more.length > 0) return call;
    return { ...call, optional: false, told: { stored: true, version } };
  });
}

/** One line for people. */
function describeCall({ operation, told, client, at: [begin, end] }: KeyCall): string {
  const until = Number.isFinite(end) ? end.toFixed(1) : '?';
  const what = Object.entries(operation).filter(([, one]) => one !== undefined);
  return `${begin.toFixed(1)} to ${until} ms  ${client}  ${what.map(([, one]) => one).join(' ')}  ->  ${JSON.stringify(told)}`;
}

/** The part of an illegal history where no order goes on. */
export function describeIllegal(
  { order, state, stuck }: Extract<Verdict<KeyCall, KeyState>, { kind: 'illegal' }>,
  lines = 12,
): string {
  const list = (calls: KeyCall[]) => calls.map((call) => `    ${describeCall(call)}`).join('\n');
  return [
    `  ${order.length} calls have an order; the last of them:`,
    list(order.slice(-lines)),
    `  then the key holds ${state.value ?? 'nothing'}, version ${state.version ?? 'not told'}, fence ${state.fence ?? 'none'}; and none of these can come next:`,
    list(stuck.slice(0, lines)),
  ].join('\n');
}
