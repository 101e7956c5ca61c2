/** Requests to the state store, written by a client and read by the store: docs/protocol.md section 2. */
import { ServiceError, type ServiceErrorCode, StateStoreError, serviceErrorText } from './errors';
import { encodeArray, parseArray } from './resp3';

/** `NX`: only when the key does not exist. `NEX`: only when it does not exist or holds this very value. */
export type SetCondition = 'NX' | 'NEX';

export interface SetCommand {
  verb: 'SET';
  key: Uint8Array;
  value: Uint8Array;
  condition?: SetCondition;
  /** Milliseconds until the key is gone, an integer from 1. */
  expiryMs?: number;
}
export interface GetCommand {
  verb: 'GET';
  key: Uint8Array;
}
export interface DelCommand {
  verb: 'DEL';
  key: Uint8Array;
}
/** Deletes only when the value equals. */
export interface VDelCommand {
  verb: 'VDEL';
  key: Uint8Array;
  value: Uint8Array;
}
export interface KeyNotifyCommand {
  verb: 'KEYNOTIFY';
  key: Uint8Array;
  stop: boolean;
}
export type Command = SetCommand | GetCommand | DelCommand | VDelCommand | KeyNotifyCommand;

/** Writes a request's payload. */
export function encodeCommand(command: Command): Buffer {
  const { verb, key } = command;
  switch (verb) {
    case 'SET': {
      const items: (string | Uint8Array)[] = [verb, key, command.value];
      if (command.condition !== undefined) items.push(command.condition);
      if (command.expiryMs !== undefined) items.push('PX', String(command.expiryMs));
      return encodeArray(items);
    }
    case 'VDEL':
      return encodeArray([verb, key, command.value]);
    case 'KEYNOTIFY':
      return encodeArray(command.stop ? [verb, key, 'STOP'] : [verb, key]);
    default:
      return encodeArray([verb, key]);
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
