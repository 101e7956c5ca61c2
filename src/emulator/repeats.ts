import type { EngineOutput, EngineResponse } from './engine';
import { type Expiring, ExpiryQueue } from './expiry-queue';

/** How long a request without message expiry is remembered, in milliseconds. */
export const REPEAT_DEFAULT_MS = 60_000;
/** Most requests remembered, of all clients together; beyond it the one that expires first is forgotten. */
export const MAX_REPEATS = 65_536;

/** What a request is recognised by. MQTT sends the same packet again, so it has the same of everything. */
export interface SentRequest {
  clientId: string;
  correlationData: Buffer;
  /** User property `__ts`; a client that uses correlation data twice by habit has another one by then. */
  timestamp?: string | undefined;
  payload: Buffer;
  /** Seconds. */
  messageExpiryInterval?: number | undefined;
}

interface Known extends Expiring {
  clientId: string;
  correlation: string;
  timestamp: string | undefined;
  bytes: number;
  output: EngineOutput;
}

/**
 * Writes that were executed, by client, correlation data and `__ts`, with their answers, until the message expires: MQTT may bring a
 * request twice (QoS 1), and its sender wants to know what became of the first one. Reads are not remembered: to execute them
 * again does no harm, and their answers are large.
 */
export class Repeats {
  readonly #clients = new Map<string, Map<string, Known>>();
  readonly #expiring = new ExpiryQueue<Known>();

  get size(): number {
    return this.#expiring.size;
  }

  /** What became of the same request before. It notifies nobody again. */
  find(
    { clientId, correlationData, timestamp, payload }: SentRequest,
    nowMs: number,
  ): EngineOutput | undefined {
    const known = this.#clients.get(clientId)?.get(correlationData.toString('latin1'));
    if (!known || known.expiresAt <= nowMs) return undefined;
    return known.timestamp === timestamp && known.bytes === payload.length ? known.output : undefined;
  }

  add(request: SentRequest, response: EngineResponse, nowMs: number): void {
    this.drop(nowMs);
    const first = this.#expiring.next();
    if (first && this.#expiring.size >= MAX_REPEATS) this.#forget(first);
    const { clientId, timestamp, messageExpiryInterval } = request;
    const known: Known = {
      ...{ clientId, timestamp },
      correlation: request.correlationData.toString('latin1'),
      bytes: request.payload.length,
      output: { response, notifications: [], isWrite: true },
      expiresAt:
        nowMs + (messageExpiryInterval === undefined ? REPEAT_DEFAULT_MS : messageExpiryInterval * 1000),
      queueIndex: -1,
    };
    const ofClient = this.#clients.get(clientId) ?? new Map<string, Known>();
    this.#clients.set(clientId, ofClient);
    const before = ofClient.get(known.correlation);
    if (before) this.#expiring.remove(before);
    ofClient.set(known.correlation, known);
    this.#expiring.add(known);
  }

  /** Forgets what expired. */
  drop(nowMs: number): void {
    for (let known = this.#expiring.next(); known && known.expiresAt <= nowMs; known = this.#expiring.next())
      this.#forget(known);
  }

  #forget(known: Known): void {
    this.#expiring.remove(known);
    const ofClient = this.#clients.get(known.clientId);
    ofClient?.delete(known.correlation);
    if (ofClient?.size === 0) this.#clients.delete(known.clientId);
  }
}
