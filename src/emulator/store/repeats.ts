import { Fifo } from '../fifo';
import type { EngineOutput, EngineResponse } from './engine-request';
import { type Expiring, ExpiryQueue } from './expiry-queue';

/** How long a request without message expiry is remembered, in milliseconds. */
export const REPEAT_DEFAULT_MS = 60_000;
/** Maximum number of remembered requests of all clients. If there are more, the request that expires first is forgotten. */
export const MAX_REPEATS = 65_536;

/** What a request is recognised by, with its correlation data. MQTT sends the same packet again, so it has the same of everything. */
export interface SentRequest {
  clientId: string;
  /** User property `__ts`; a client that uses correlation data twice by habit has another one by then. */
  timestamp?: string | undefined;
  payload: Buffer;
  /** Seconds. */
  messageExpiryInterval?: number | undefined;
}

interface Known {
  clientId: string;
  /** Correlation data, each byte a character (latin1). */
  correlation: string;
  timestamp: string | undefined;
  bytes: number;
  /** Undefined when it was forgotten. */
  response: EngineResponse | undefined;
  /** Milliseconds of the monotonic clock. */
  expiresAt: number;
  /** Where it waits to be forgotten. */
  line: Line;
}

/** Requests with the same message expiry, in the order in which they came, which is the one in which they expire. */
interface Line extends Expiring {
  /** In milliseconds. */
  life: number;
  /** An entry that was forgotten early stays until it is the first one. */
  entries: Fifo<Known>;
}

/**
 * Writes that were executed, by client, correlation data and `__ts`, with their answers, until the message expires: MQTT may bring a
 * request twice (QoS 1), and its sender wants to know what became of the first one. Reads are not remembered: to execute them
 * again does no harm, and their answers are large.
 */
export class Repeats {
  readonly #clients = new Map<string, Map<string, Known>>();
  /** By message expiry, of which there are few. */
  readonly #lines = new Map<number, Line>();
  /** The lines, ordered by when their first one expires. */
  readonly #expiring = new ExpiryQueue<Line>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Result of the same request before. It notifies no observer again. */
  find(
    { clientId, timestamp, payload }: SentRequest,
    correlationData: Buffer,
    elapsedMs: number,
  ): EngineOutput | undefined {
    const known = this.#clients.get(clientId)?.get(correlationData.toString('latin1'));
    if (!known || known.expiresAt <= elapsedMs) return undefined;
    const { response } = known;
    if (!response || known.timestamp !== timestamp || known.bytes !== payload.length) return undefined;
    return { response, notifications: [], isWrite: true };
  }

  add(request: SentRequest, correlationData: Buffer, response: EngineResponse, elapsedMs: number): void {
    this.drop(elapsedMs);
    const { clientId, timestamp, messageExpiryInterval } = request;
    const correlation = correlationData.toString('latin1');
    const before = this.#clients.get(clientId)?.get(correlation);
    if (before) this.#forget(before);
    const first = this.#expiring.next();
    if (first && this.#size >= MAX_REPEATS) this.#forgetFirst(first);
    const life = messageExpiryInterval === undefined ? REPEAT_DEFAULT_MS : messageExpiryInterval * 1000;
    const line = this.#line(life);
    const known: Known = {
      clientId,
      correlation,
      timestamp,
      bytes: request.payload.length,
      response,
      expiresAt: elapsedMs + life,
      line,
    };
    this.#append(line, known);
    this.#ofClient(clientId).set(correlation, known);
  }

  /** Forgets what expired. */
  drop(elapsedMs: number): void {
    for (let line = this.#expiring.next(); line && line.expiresAt <= elapsedMs; line = this.#expiring.next())
      this.#forgetFirst(line);
  }

  #ofClient(clientId: string): Map<string, Known> {
    const known = this.#clients.get(clientId);
    if (known) return known;
    const made = new Map<string, Known>();
    this.#clients.set(clientId, made);
    return made;
  }

  #line(life: number): Line {
    const known = this.#lines.get(life);
    if (known) return known;
    const made: Line = { life, expiresAt: 0, queueIndex: -1, entries: new Fifo() };
    this.#lines.set(life, made);
    return made;
  }

  #append(line: Line, known: Known): void {
    this.#size++;
    line.entries.push(known);
    if (line.entries.size > 1) return;
    line.expiresAt = known.expiresAt;
    this.#expiring.add(line);
  }

  #forget(known: Known): void {
    if (!known.response) return;
    known.response = undefined;
    this.#size--;
    const { clientId, correlation } = known;
    const ofClient = this.#clients.get(clientId);
    ofClient?.delete(correlation);
    if (ofClient?.size === 0) this.#clients.delete(clientId);
  }

  /** Forgets the first entry of a line, and those behind it that were forgotten before. */
  #forgetFirst(line: Line): void {
    const { entries } = line;
    const first = entries.shift();
    if (first) this.#forget(first);
    while (entries.first && !entries.first.response) entries.shift();
    this.#expiring.remove(line);
    if (entries.first) {
      line.expiresAt = entries.first.expiresAt;
      this.#expiring.add(line);
    } else this.#lines.delete(line.life);
  }
}
