/** Parts of this process that need the state store and are not nodes: the shared context, and flows in the store. */
import type { StateStoreClient } from '../client/state-store-client';
import { Answering } from './answering';

export interface WriteCounts {
  /** Writes that have no outcome yet. */
  pending: number;
  /** Writes that failed so far. */
  failed: number;
}

export interface HealthPart {
  readonly name: string;
  /** Why the part cannot be used now, as one sentence. Absent if it can. */
  problem(): string | undefined;
  readonly client: StateStoreClient;
  /** Of a part whose callers need not wait for their writes. */
  writes?(): WriteCounts;
}

const parts = new Set<HealthPart>();

/** Adds a part, for as long as it is used. Returns the function that removes it. */
export function addHealthPart({ problem, ...more }: HealthPart): () => void {
  const answering = new Answering(more.client);
  const part = { ...more, problem: () => problem() ?? answering.problem() };
  parts.add(part);
  return () => parts.delete(part);
}

export function healthParts(): HealthPart[] {
  return [...parts];
}
