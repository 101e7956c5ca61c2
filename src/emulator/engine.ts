/**
 * The state store as a pure state machine: a request and the time go in, a response and notifications come out.
 * It knows no MQTT and no clock. Rules: docs/protocol.md sections 2 to 5 and 7.
 */

import {
  type DelCommand,
  type KeyCommand,
  type KeyNotifyCommand,
  parseCommand,
  type ScanCommand,
  type SetCommand,
  type VDelCommand,
} from '../protocol/commands';
import { ServiceError } from '../protocol/errors';
import { formatHlc, type Hlc, isSkewed, parseHlc } from '../protocol/hlc';
import { encodeNotification, type Notification } from '../protocol/notifications';
import { reply } from '../protocol/responses';
import type { Change, LoadedKey } from './store/change';
import type {
  EngineNotification,
  EngineOutput,
  EngineRequest,
  EngineResponse,
  KeyListener,
} from './store/engine-request';
import { bytesOf, Entries, type Entry, idOf, NEVER } from './store/entries';
import { checkFence, readFence } from './store/fence';
import { Observers } from './store/observers';
import { refusal } from './store/refusal';
import { scanPage } from './store/scan';
import { Versions } from './store/versions';

export interface EngineOptions {
  /** Whether a client may read (GET, KEYNOTIFY, SCAN) or write (SET, DEL, VDEL) a key. By default every client may. */
  authorize?: (clientId: string, access: 'Read' | 'Write', key: Buffer) => boolean;
  /** Most keys the store holds; no limit by default. */
  keyQuota?: number;
  /** Whether SCAN is served. If not, the store answers "unknown command", as older brokers do. Default true. */
  scan?: boolean;
}

export class StateStoreEngine {
  /** May be changed while clients are connected, as a policy may. */
  authorize: NonNullable<EngineOptions['authorize']>;
  /** May be changed at any time; keys that are there stay. */
  keyQuota: number;
  /** See {@link EngineOptions.scan}. May be changed at any time. */
  scan: boolean;
  /** Called with each change of a key, before the response to the request is returned. */
  onChange: ((change: Change) => void) | undefined;
  readonly #versions = new Versions();
  readonly #entries = new Entries();
  readonly #observers = new Observers();
  /** Distinguishes the page tokens of this store from those of another one. */
  readonly #name = Math.random().toString(36).slice(2);
  #nowMs = 0;
  #elapsedMs = 0;

  constructor({ authorize, keyQuota, scan }: EngineOptions = {}) {
    this.authorize = authorize ?? (() => true);
    this.keyQuota = keyQuota ?? Number.POSITIVE_INFINITY;
    this.scan = scan ?? true;
  }

  /** Lists of the keys in this process. */
  get keyListeners(): Set<KeyListener> {
    return this.#entries.listeners;
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
    return this.#versions.latest;
  }

  /** All keys as the changes that make them again, in the order in which the keys were created. */
  *changes(): Generator<Change, void, undefined> {
    for (const entry of this.#entries.values()) yield this.#changeOf(entry);
  }

  /** Makes a change again that a store had before. Call {@link resume} after the last one. Clocks: see {@link execute}. */
  restore(change: Change, nowMs: number, elapsedMs: number): void {
    this.#nowMs = nowMs;
    this.#elapsedMs = elapsedMs;
    const old = this.#entries.get(change.key);
    if (change.kind === 'delete') {
      if (old) this.#entries.remove(old);
      return;
    }
    const { key, value, version, fence, lifeMs } = change;
    this.#put(old, key, value, version, fence === undefined ? undefined : parseHlc(fence), lifeMs);
  }

  /** Continues the versions after `latest`, the latest one of the store that was restored, if that is newer. */
  resume(latest: Hlc | undefined, nowMs: number): void {
    if (latest) this.#versions.resume(latest);
    this.#setBack(nowMs);
  }

  /** Sets keys with any protection, without an expiry. Call it before clients are connected. Clocks: see {@link execute}. */
  load(keys: readonly LoadedKey[], nowMs: number, elapsedMs: number): void {
    this.expire(nowMs, elapsedMs);
    const version = this.#versions.next(nowMs);
    for (const { key, value } of keys) {
      const entry = this.#put(this.#entries.get(key), key, value, version, undefined, undefined);
      this.#changed(entry);
    }
  }

  /** When this key expires, in milliseconds since 1970; `undefined` when it does not, or is not there. */
  expiryOf(key: Uint8Array): number | undefined {
    return this.#onWallClock(this.#entries.get(key)?.expiresAt);
  }

  /** When the next key expires, in milliseconds since 1970. */
  get nextExpiry(): number | undefined {
    return this.#onWallClock(this.nextExpiryElapsedMs);
  }

  /** When the next key expires, in milliseconds of the monotonic clock. */
  get nextExpiryElapsedMs(): number | undefined {
    return this.#entries.nextToExpire?.expiresAt;
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
      let entry = this.#entries.nextToExpire;
      entry && entry.expiresAt <= elapsedMs;
      entry = this.#entries.nextToExpire
    ) {
      this.#delete(entry, this.#versions.next(nowMs), notifications);
    }
    return notifications;
  }

  /** The wall clock was set back. If versions start again, the versions and fencing tokens in the store that are ahead become the first version. */
  #setBack(nowMs: number): void {
    const now = this.#versions.setBack(nowMs);
    if (!now) return;
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
    this.#observers.forget(clientId);
  }

  #run(
    command: KeyCommand,
    request: EngineRequest,
    nowMs: number,
    isWrite: boolean,
    notifications: EngineNotification[],
  ): EngineResponse {
    if (!this.authorize(request.clientId, isWrite ? 'Write' : 'Read', bytesOf(command.key)))
      throw refusal('NOT_AUTHORIZED');
    const version = this.#version(request, command, nowMs);
    switch (command.verb) {
      case 'SET':
        return this.#set(command, readFence(request.fencingToken, nowMs), version, notifications);
      case 'GET':
        return this.#get(command.key);
      case 'DEL':
      case 'VDEL':
        return this.#deleteIf(command, readFence(request.fencingToken, nowMs), version, notifications);
      case 'KEYNOTIFY':
        return this.#keyNotify(command, request.clientId, version);
    }
  }

  /** Takes in the request's `__ts` and returns the next version: newer than it and than every version before. */
  #version({ timestamp }: EngineRequest, command: KeyCommand, nowMs: number): string {
    if (timestamp !== undefined) return this.#versions.after(timestamp, nowMs);
    if (command.verb === 'SET') throw refusal('TIMESTAMP_MISSING');
    return this.#versions.next(nowMs);
  }

  #set(
    command: SetCommand,
    fence: Hlc | undefined,
    version: string,
    notifications: EngineNotification[],
  ): EngineResponse {
    const old = this.#entries.get(command.key);
    checkFence(old?.fence, fence);
    if (old && !allows(command, old)) return { payload: reply.notApplied, version: old.version };
    if (!old && this.#entries.size >= this.keyQuota) throw refusal('QUOTA_EXCEEDED');
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
    const expiresAt = lifeMs === undefined ? NEVER : this.#elapsedMs + lifeMs;
    return this.#entries.put(old, key, value, version, fence, expiresAt);
  }

  #get(key: Uint8Array): EngineResponse {
    const entry = this.#entries.get(key);
    return entry ? { payload: reply.value(entry.value), version: entry.version } : { payload: reply.missing };
  }

  #list({ pattern, token }: ScanCommand, clientId: string): EngineResponse {
    if (!this.scan) throw refusal('UNKNOWN_COMMAND');
    const mayRead = (key: Buffer) => this.authorize(clientId, 'Read', key);
    const page = scanPage(
      this.#entries.order,
      this.#name,
      bytesOf(pattern),
      token && bytesOf(token),
      mayRead,
    );
    if (!page) throw refusal('SYNTAX_ERROR');
    return { payload: reply.page(page) };
  }

  #deleteIf(
    command: DelCommand | VDelCommand,
    fence: Hlc | undefined,
    version: string,
    notifications: EngineNotification[],
  ): EngineResponse {
    const entry = this.#entries.get(command.key);
    if (!entry) return { payload: reply.count(0) };
    checkFence(entry.fence, fence);
    if (command.verb === 'VDEL' && !entry.value.equals(command.value)) return { payload: reply.notApplied };
    this.#delete(entry, version, notifications);
    return { payload: reply.count(1), version };
  }

  #keyNotify({ key, stop }: KeyNotifyCommand, clientId: string, version: string): EngineResponse {
    const changes = stop
      ? this.#observers.remove(idOf(key), clientId)
      : this.#observers.add(idOf(key), clientId);
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
    this.#entries.remove(entry);
    this.onChange?.({ kind: 'delete', key: entry.key, version });
    this.#notify(entry.key, { operation: 'delete' }, version, notifications);
  }

  #notify(key: Buffer, change: Notification, version: string, notifications: EngineNotification[]): void {
    const clients = this.#observers.of(idOf(key));
    if (!clients) return;
    const payload = encodeNotification(change);
    for (const clientId of clients) notifications.push({ clientId, key, payload, version });
  }
}

function allows({ condition, value }: SetCommand, old: Entry): boolean {
  return condition === undefined || (condition === 'NEX' && old.value.equals(value));
}
