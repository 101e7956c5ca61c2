/**
 * The state store as a pure state machine: a request and the time go in, a response and notifications come out.
 * It knows no MQTT and no clock. Rules: docs/protocol.md sections 2 to 5 and 7.
 */

import type { ServiceErrorCode } from '../errors';
import {
  type DelCommand,
  type KeyCommand,
  type KeyNotifyCommand,
  parseCommand,
  type ScanCommand,
  type SetCommand,
  type VDelCommand,
} from '../protocol/commands';
import { ServiceError, serviceErrorText } from '../protocol/errors';
import { compareHlc, formatHlc, type Hlc, HybridLogicalClock, isSkewed, parseHlc } from '../protocol/hlc';
import { encodeNotification, type Notification } from '../protocol/notifications';
import { reply } from '../protocol/responses';
import type { Change, LoadedKey } from './change';
import { type Expiring, ExpiryQueue } from './expiry-queue';
import { KeyOrder, type Ordered } from './key-order';
import { scanPage } from './scan';

/** What the store sees of a request PUBLISH. */
export interface EngineRequest {
  clientId: string;
  payload: Buffer;
  /** User property `__ts`. */
  timestamp?: string | undefined;
  /** User property `__ft`. */
  fencingToken?: string | undefined;
}

/** The response PUBLISH: its payload and, where the protocol has one, its `__ts`. */
export interface EngineResponse {
  payload: Buffer;
  version?: string;
}

/** A notification PUBLISH for one observing client. */
export interface EngineNotification {
  clientId: string;
  key: Buffer;
  payload: Buffer;
  version: string;
}

export interface EngineOutput {
  response: EngineResponse;
  notifications: EngineNotification[];
  /** Whether it was a SET, DEL or VDEL, which must not be executed again. */
  isWrite: boolean;
}

interface Entry extends Expiring, Ordered {
  key: Buffer;
  value: Buffer;
  version: string;
  /** The fencing token that protects the key. */
  fence: Hlc | undefined;
}

export interface EngineOptions {
  /** Whether a client may read (GET, KEYNOTIFY, SCAN) or write (SET, DEL, VDEL) a key; everybody may by default. */
  authorize?: (clientId: string, access: 'Read' | 'Write', key: Buffer) => boolean;
  /** Most keys the store holds; no limit by default. */
  keyQuota?: number;
  /** Whether SCAN is served. If not, the store answers "unknown command", as older brokers do. Default true. */
  scan?: boolean;
}

/** Hears of a key that came or went. */
export type KeyListener = (key: Buffer, exists: boolean) => void;

const STORE_NODE_ID = 'statestore-emulator';
const NEVER = Number.POSITIVE_INFINITY;
/** How far the counter of a timestamp may be ahead of the store's: more events than a client has in a millisecond. */
const MAX_COUNTER_AHEAD = 1_000_000;

export class StateStoreEngine {
  /** May be changed while clients are connected, as a policy may. */
  authorize: NonNullable<EngineOptions['authorize']>;
  /** May be changed at any time; keys that are there stay. */
  keyQuota: number;
  /** See {@link EngineOptions.scan}. May be changed at any time. */
  scan: boolean;
  /** Lists of the keys in this process. */
  readonly keyListeners = new Set<KeyListener>();
  /** Called with each change of a key, before the response to the request is returned. */
  onChange: ((change: Change) => void) | undefined;
  #clock = new HybridLogicalClock(STORE_NODE_ID);
  readonly #entries = new Map<string, Entry>();
  readonly #expiring = new ExpiryQueue<Entry>();
  readonly #order = new KeyOrder<Entry>();
  /** Tells the page tokens of this store from those of another one. */
  readonly #name = Math.random().toString(36).slice(2);
  /** Key (latin1) -> IDs of the clients that observe it. */
  readonly #observers = new Map<string, Set<string>>();
  #nowMs = 0;
  #elapsedMs = 0;

  constructor({ authorize, keyQuota, scan }: EngineOptions = {}) {
    this.authorize = authorize ?? (() => true);
    this.keyQuota = keyQuota ?? Number.POSITIVE_INFINITY;
    this.scan = scan ?? true;
  }

  /** How many keys the store holds. */
  get size(): number {
    return this.#entries.size;
  }

  /** All keys, in the order in which they came; a key that comes while they are listed is listed, too. */
  *keys(): Generator<Buffer, void, undefined> {
    for (const { key } of this.#entries.values()) yield key;
  }

  /** The latest version that this store made. */
  get version(): string {
    return formatHlc(this.#clock.latest);
  }

  /** All keys as the changes that make them again, in the order in which the keys were created. */
  *changes(): Generator<Change, void, undefined> {
    for (const entry of this.#entries.values()) yield this.#changeOf(entry);
  }

  /** Makes a change again that a store had before. Call {@link resume} after the last one. Clocks: see {@link execute}. */
  restore(change: Change, nowMs: number, elapsedMs: number): void {
    this.#nowMs = nowMs;
    this.#elapsedMs = elapsedMs;
    const old = this.#entries.get(idOf(change.key));
    if (change.kind === 'delete') {
      if (old) this.#remove(old);
      return;
    }
    const { key, value, version, fence, lifeMs } = change;
    this.#put(old, key, value, version, fence === undefined ? undefined : parseHlc(fence), lifeMs);
  }

  /** Continues the versions after `latest`, the latest one of the store that was restored, if that is newer. */
  resume(latest: Hlc | undefined, nowMs: number): void {
    if (latest && compareHlc(latest, this.#clock.latest) > 0)
      this.#clock = new HybridLogicalClock(STORE_NODE_ID, latest);
    this.#setBack(nowMs);
  }

  /** Sets keys whatever protects them, without an expiry. Call it before clients are connected. Clocks: see {@link execute}. */
  load(keys: readonly LoadedKey[], nowMs: number, elapsedMs: number): void {
    this.expire(nowMs, elapsedMs);
    const version = formatHlc(this.#clock.tick(nowMs));
    for (const { key, value } of keys) {
      const entry = this.#put(this.#entries.get(idOf(key)), key, value, version, undefined, undefined);
      this.#changed(entry);
    }
  }

  /** When this key expires, in milliseconds since 1970; `undefined` when it does not, or is not there. */
  expiryOf(key: Uint8Array): number | undefined {
    return this.#onWallClock(this.#entries.get(idOf(key))?.expiresAt);
  }

  /** When the next key expires, in milliseconds since 1970. */
  get nextExpiry(): number | undefined {
    return this.#onWallClock(this.nextExpiryElapsedMs);
  }

  /** When the next key expires, in milliseconds of the monotonic clock. */
  get nextExpiryElapsedMs(): number | undefined {
    return this.#expiring.next()?.expiresAt;
  }

  /**
   * Serves one request. Never throws because of what a client sent. Versions follow the wall clock, `nowMs`, in milliseconds since
   * 1970. Expiry follows the monotonic clock, `elapsedMs`, so that a wall clock that is set expires nothing.
   */
  execute(request: EngineRequest, nowMs: number, elapsedMs: number): EngineOutput {
    const notifications = this.expire(nowMs, elapsedMs);
    let isWrite = false;
    try {
      const command = parseCommand(request.payload);
      if (command.verb === 'SCAN')
        return { response: this.#list(command, request.clientId), notifications, isWrite };
      isWrite = command.verb !== 'GET' && command.verb !== 'KEYNOTIFY';
      return { response: this.#run(command, request, nowMs, isWrite, notifications), notifications, isWrite };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return { response: { payload: reply.error(error.text) }, notifications, isWrite };
    }
  }

  /** Drops every key whose time has come and returns the delete notifications. Clocks: see {@link execute}. */
  expire(nowMs: number, elapsedMs: number): EngineNotification[] {
    if (nowMs < this.#nowMs) this.#setBack(nowMs);
    this.#nowMs = nowMs;
    this.#elapsedMs = elapsedMs;
    const notifications: EngineNotification[] = [];
    for (
      let entry = this.#expiring.next();
      entry && entry.expiresAt <= elapsedMs;
      entry = this.#expiring.next()
    ) {
      this.#delete(entry, formatHlc(this.#clock.tick(nowMs)), notifications);
    }
    return notifications;
  }

  /**
   * The wall clock was set back. Versions continue from the latest one. If that is further ahead of the new time than clients
   * accept, they start again at the new time, and the versions and fencing tokens in the store become the new time.
   */
  #setBack(nowMs: number): void {
    if (!isSkewed(this.#clock.latest, nowMs)) return;
    this.#clock = new HybridLogicalClock(STORE_NODE_ID);
    const now = this.#clock.tick(nowMs);
    for (const entry of this.#entries.values()) {
      const version = parseHlc(entry.version);
      const isVersionAhead = version !== undefined && isSkewed(version, nowMs);
      const isFenceAhead = entry.fence !== undefined && isSkewed(entry.fence, nowMs);
      if (isVersionAhead) entry.version = formatHlc(now);
      if (isFenceAhead) entry.fence = now;
      if (isVersionAhead || isFenceAhead) this.#changed(entry);
    }
  }

  /** Forgets what a client observes; call it when the client's connection ends. */
  forget(clientId: string): void {
    for (const [key, clients] of this.#observers) {
      clients.delete(clientId);
      if (clients.size === 0) this.#observers.delete(key);
    }
  }

  #run(
    command: KeyCommand,
    request: EngineRequest,
    nowMs: number,
    isWrite: boolean,
    notifications: EngineNotification[],
  ): EngineResponse {
    if (!this.authorize(request.clientId, isWrite ? 'Write' : 'Read', bytesOf(command.key)))
      throw refuse('NOT_AUTHORIZED');
    const version = this.#version(request, command, nowMs);
    switch (command.verb) {
      case 'SET':
        return this.#set(command, readFence(request, nowMs), version, notifications);
      case 'GET':
        return this.#get(command.key);
      case 'DEL':
      case 'VDEL':
        return this.#deleteIf(command, readFence(request, nowMs), version, notifications);
      case 'KEYNOTIFY':
        return this.#keyNotify(command, request.clientId, version);
    }
  }

  /** Takes in the request's `__ts` and returns the next version: newer than it and than every version before. */
  #version({ timestamp }: EngineRequest, command: KeyCommand, nowMs: number): string {
    if (timestamp === undefined) {
      if (command.verb === 'SET') throw refuse('TIMESTAMP_MISSING');
      return formatHlc(this.#clock.tick(nowMs));
    }
    const remote = parseHlc(timestamp);
    if (!remote) throw refuse('TIMESTAMP_MALFORMED');
    if (isSkewed(remote, nowMs)) throw refuse('TIMESTAMP_SKEW');
    if (this.#isOutOfReach(remote, nowMs)) throw refuse('TIMESTAMP_MALFORMED');
    // The store's own name under a client's timestamp: it is a client's all the same.
    const sender = remote.nodeId === STORE_NODE_ID ? { ...remote, nodeId: '' } : remote;
    return formatHlc(this.#clock.receive(sender, nowMs));
  }

  /** Whether a counter would take the clock to numbers that nobody can read until the next millisecond has come. */
  #isOutOfReach(remote: Hlc, nowMs: number): boolean {
    const { wallClockMs, counter } = this.#clock.latest;
    if (remote.counter <= MAX_COUNTER_AHEAD || remote.wallClockMs < Math.max(nowMs, wallClockMs))
      return false;
    return remote.counter - (remote.wallClockMs === wallClockMs ? counter : 0) > MAX_COUNTER_AHEAD;
  }

  #set(
    command: SetCommand,
    fence: Hlc | undefined,
    version: string,
    notifications: EngineNotification[],
  ): EngineResponse {
    const old = this.#entries.get(idOf(command.key));
    checkFence(old, fence);
    if (old && !allows(command, old)) return { payload: reply.notApplied, version: old.version };
    if (!old && this.#entries.size >= this.keyQuota) throw refuse('QUOTA_EXCEEDED');
    const entry = this.#put(old, command.key, command.value, version, fence, command.expiryMs);
    this.#changed(entry);
    this.#notify(entry.key, { operation: 'set', value: entry.value }, version, notifications);
    return { payload: reply.ok, version };
  }

  /** Puts a copy of key and value in the place of `old`, or behind all other keys. */
  #put(
    old: Entry | undefined,
    key: Uint8Array,
    value: Uint8Array,
    version: string,
    fence: Hlc | undefined,
    lifeMs: number | undefined,
  ): Entry {
    if (old) this.#expiring.remove(old);
    const entry: Entry = {
      key: old?.key ?? Buffer.from(key),
      value: Buffer.from(value),
      version,
      fence,
      expiresAt: lifeMs === undefined ? NEVER : this.#elapsedMs + lifeMs,
      queueIndex: -1,
      number: 0,
      place: 0,
    };
    this.#entries.set(idOf(entry.key), entry);
    if (old) this.#order.replace(old, entry);
    else this.#order.add(entry);
    if (entry.expiresAt !== NEVER) this.#expiring.add(entry);
    if (!old) this.#tell(entry.key, true);
    return entry;
  }

  #get(key: Uint8Array): EngineResponse {
    const entry = this.#entries.get(idOf(key));
    return entry ? { payload: reply.value(entry.value), version: entry.version } : { payload: reply.missing };
  }

  #list({ pattern, token }: ScanCommand, clientId: string): EngineResponse {
    if (!this.scan) throw refuse('UNKNOWN_COMMAND');
    const mayRead = (key: Buffer) => this.authorize(clientId, 'Read', key);
    const page = scanPage(this.#order, this.#name, bytesOf(pattern), token && bytesOf(token), mayRead);
    if (!page) throw refuse('SYNTAX_ERROR');
    return { payload: reply.page(page) };
  }

  #deleteIf(
    command: DelCommand | VDelCommand,
    fence: Hlc | undefined,
    version: string,
    notifications: EngineNotification[],
  ): EngineResponse {
    const entry = this.#entries.get(idOf(command.key));
    if (!entry) return { payload: reply.count(0) };
    checkFence(entry, fence);
    if (command.verb === 'VDEL' && !entry.value.equals(command.value)) return { payload: reply.notApplied };
    this.#delete(entry, version, notifications);
    return { payload: reply.count(1), version };
  }

  #keyNotify({ key, stop }: KeyNotifyCommand, clientId: string, version: string): EngineResponse {
    const id = idOf(key);
    const clients = this.#observers.get(id) ?? new Set<string>();
    const changes = clients.has(clientId) === stop;
    if (stop) {
      clients.delete(clientId);
    } else {
      clients.add(clientId);
    }
    if (clients.size > 0) {
      this.#observers.set(id, clients);
    } else {
      this.#observers.delete(id);
    }
    return { payload: changes ? reply.ok : reply.count(0), version };
  }

  #onWallClock(expiresAt = NEVER): number | undefined {
    return expiresAt === NEVER ? undefined : Math.round(expiresAt - this.#elapsedMs + this.#nowMs);
  }

  #changeOf({ key, value, version, fence, expiresAt }: Entry): Change {
    const lifeMs = expiresAt === NEVER ? undefined : Math.max(0, expiresAt - this.#elapsedMs);
    return { kind: 'set', key, value, version, fence: fence && formatHlc(fence), lifeMs };
  }

  #changed(entry: Entry): void {
    this.onChange?.(this.#changeOf(entry));
  }

  #delete(entry: Entry, version: string, notifications: EngineNotification[]): void {
    this.#remove(entry);
    this.onChange?.({ kind: 'delete', key: entry.key, version });
    this.#notify(entry.key, { operation: 'delete' }, version, notifications);
  }

  #remove(entry: Entry): void {
    this.#entries.delete(idOf(entry.key));
    this.#order.remove(entry);
    this.#expiring.remove(entry);
    this.#tell(entry.key, false);
  }

  #tell(key: Buffer, exists: boolean): void {
    for (const listener of this.keyListeners) listener(key, exists);
  }

  #notify(key: Buffer, change: Notification, version: string, notifications: EngineNotification[]): void {
    const clients = this.#observers.size > 0 && this.#observers.get(idOf(key));
    if (!clients) return;
    const payload = encodeNotification(change);
    for (const clientId of clients) notifications.push({ clientId, key, payload, version });
  }
}

/** Bytes as a map key: latin1 gives every byte its own character. */
function idOf(key: Uint8Array): string {
  return bytesOf(key).toString('latin1');
}

/** The same bytes with the methods of a Buffer. */
function bytesOf(key: Uint8Array): Buffer {
  return Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
}

function allows({ condition, value }: SetCommand, old: Entry): boolean {
  return condition === undefined || (condition === 'NEX' && old.value.equals(value));
}

function readFence({ fencingToken }: EngineRequest, nowMs: number): Hlc | undefined {
  if (fencingToken === undefined) return undefined;
  const fence = parseHlc(fencingToken);
  if (!fence) throw refuse('TIMESTAMP_MALFORMED');
  if (isSkewed(fence, nowMs)) throw refuse('FENCING_TOKEN_SKEW');
  return fence;
}

/** A protected key wants a fencing token that is equal or newer. */
function checkFence(entry: Entry | undefined, fence: Hlc | undefined): void {
  if (!entry?.fence) return;
  if (!fence) throw refuse('FENCING_TOKEN_REQUIRED');
  if (compareHlc(fence, entry.fence) < 0) throw refuse('FENCING_TOKEN_LOWER_VERSION');
}

function refuse(code: Exclude<ServiceErrorCode, 'UNKNOWN'>): ServiceError {
  return new ServiceError(code, serviceErrorText(code));
}
