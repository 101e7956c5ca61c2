/** Requests to the state store, written by a client and read by the store: docs/protocol.md section 2. */
import { type ServiceErrorCode, StateStoreError } from '../errors';
import { ServiceError, serviceErrorText } from './errors';
import { type Items, parseArray } from './resp3';

/** `NX`: only when the key does not exist. `NEX`: only when it does not exist or holds this very value. */
export type SetCondition = 'NX' | 'NEX';

export interface SetCommand<Data = Uint8Array> {
  verb: 'SET';
  key: Data;
  value: Data;
  condition?: SetCondition | undefined;
  /** Milliseconds until the key is gone, an integer from 1. */
  expiryMs?: number | undefined;
}
interface GetCommand<Data = Uint8Array> {
  verb: 'GET';
  key: Data;
}
export interface DelCommand<Data = Uint8Array> {
  verb: 'DEL';
  key: Data;
}
/** Deletes only when the value equals. */
export interface VDelCommand<Data = Uint8Array> {
  verb: 'VDEL';
  key: Data;
  value: Data;
}
export interface KeyNotifyCommand<Data = Uint8Array> {
  verb: 'KEYNOTIFY';
  key: Data;
  stop: boolean;
}
/** Lists keys, a page at a time: docs/protocol.md section 13. */
export interface ScanCommand<Data = Uint8Array> {
  verb: 'SCAN';
  /** See `glob.ts`. */
  pattern: Data;
  /** From the page before; nothing for the first page. */
  token?: Data | undefined;
}
/** A command on one key. `Data`: the type of keys and values. */
export type KeyCommand<Data = Uint8Array> =
  | SetCommand<Data>
  | GetCommand<Data>
  | DelCommand<Data>
  | VDelCommand<Data>
  | KeyNotifyCommand<Data>;
export type Command<Data = Uint8Array> = KeyCommand<Data> | ScanCommand<Data>;

/** The key of a command, or the pattern that stands for keys. */
export function keyOf<Data>(command: Command<Data>): Data {
  return command.verb === 'SCAN' ? command.pattern : command.key;
}

/** What a request's payload is an array of. */
export function commandItems(command: Command<string | Uint8Array>): Items {
  if (command.verb === 'SCAN') {
    const { pattern, token } = command;
    return token === undefined ? ['SCAN', pattern] : ['SCAN', pattern, token];
  }
  const { verb, key } = command;
  switch (verb) {
    case 'SET': {
      const { value, condition, expiryMs } = command;
      if (condition === undefined && expiryMs === undefined) return [verb, key, value];
      const items = [verb, key, value];
      if (condition !== undefined) items.push(condition);
      if (expiryMs !== undefined) items.push('PX', String(expiryMs));
      return items;
    }
    case 'VDEL':
      return [verb, key, command.value];
    case 'KEYNOTIFY':
      return command.stop ? [verb, key, 'STOP'] : [verb, key];
    default:
      return [verb, key];
  }
}

/** Reads a request's payload. Throws {@link ServiceError} with what the store answers to a request it cannot read. */
export function parseCommand(payload: Buffer): Command {
  const [verb, key, ...rest] = readItems(payload);
  switch (verb?.toString('latin1')) {
    case 'SET':
      return parseSet(checkKey(key), rest);
    case 'GET':
      return { verb: 'GET', key: checkKey(key, rest.length === 0) };
    case 'DEL':
      return { verb: 'DEL', key: checkKey(key, rest.length === 0) };
    case 'VDEL':
      return { verb: 'VDEL', key: checkKey(key, rest.length === 1), value: rest[0] as Buffer };
    case 'KEYNOTIFY':
      return { verb: 'KEYNOTIFY', key: checkKey(key, rest.length <= 1), stop: parseStop(rest[0]) };
    case 'SCAN':
      return { verb: 'SCAN', pattern: checkKey(key, rest.length <= 1), token: rest[0] };
    default:
      throw refuse('UNKNOWN_COMMAND');
  }
}

function readItems(payload: Buffer): Buffer[] {
  try {
    return parseArray(payload);
  } catch (error) {
    if (error instanceof StateStoreError) throw refuse('SYNTAX_ERROR');
    throw error;
  }
}

function checkKey(key: Buffer | undefined, rightCount = true): Buffer {
  if (key === undefined || !rightCount) throw refuse('WRONG_NUMBER_OF_ARGUMENTS');
  if (key.length === 0) throw refuse('KEY_LENGTH_ZERO');
  return key;
}

function parseSet(key: Buffer, [value, ...options]: Buffer[]): SetCommand {
  if (value === undefined) throw refuse('WRONG_NUMBER_OF_ARGUMENTS');
  const command: SetCommand = { verb: 'SET', key, value };
  while (options.length > 0) {
    const option = options.shift()?.toString('latin1');
    if ((option === 'NX' || option === 'NEX') && command.condition === undefined) {
      command.condition = option;
    } else if (option === 'PX' && command.expiryMs === undefined) {
      command.expiryMs = parseMilliseconds(options.shift());
    } else {
      throw refuse('SYNTAX_ERROR');
    }
  }
  return command;
}

function parseMilliseconds(text: Buffer | undefined): number {
  const digits = text?.toString('latin1') ?? '';
  const value = /^[1-9]\d*$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw refuse('SYNTAX_ERROR');
  return value;
}

function parseStop(option: Buffer | undefined): boolean {
  if (option !== undefined && option.toString('latin1') !== 'STOP') throw refuse('SYNTAX_ERROR');
  return option !== undefined;
}

function refuse(code: Exclude<ServiceErrorCode, 'UNKNOWN'>): ServiceError {
  return new ServiceError(code, serviceErrorText(code));
}
