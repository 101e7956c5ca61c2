import type { EngineOutput, EngineResponse } from './engine';
import { type Expiring, ExpiryQueue } from './expiry-queue';

/** How long a request without message expiry is remembered, in milliseconds. */
export const REPEAT_DEFAULT_MS = 60_000;
/** Most requests remembered, of all clients together; beyond it the one that expires first is forgotten. */
export const MAX_REPEATS = 65_536;

interface Known extends Expiring {
  clientId: string;
  correlation: string;
  output: EngineOutput;
}

/**
 * Writes that were executed, by client and correlation data, with their answers, until the message expires: MQTT may bring a
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
  find(clientId: string, correlationData: Buffer, nowMs: number): EngineOutput | undefined {
    const known = this.#clients.get(clientId)?.get(correlationData.toString('latin1'));
    return known && known.expiresAt > nowMs ? known.output : undefined;
  }

  /** `expiry` is the message expiry interval in seconds. */
  add(
    clientId: string,
    correlationData: Buffer,
    expiry: number | undefined,
    response: EngineResponse,
    nowMs: number,
  ): void {
    this.drop(nowMs);
    const first = this.#expiring.next();
    if (first && this.#expiring.size >= MAX_REPEATS) this.#forget(first);
    const known: Known = {
      clientId,
      correlation: correlationData.toString('latin1'),
      output: { response, notifications: [], isWrite: true },
      expiresAt: nowMs + (expiry === undefined ? REPEAT_DEFAULT_MS : expiry * 1000),
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
