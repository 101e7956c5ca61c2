/** Parts of this process that need the state store and are not nodes: the shared context, and flows in the store. */
import type { ClientMetrics } from '../client/metrics';

export interface HealthPart {
  readonly name: string;
  /** Why the part cannot be used now, as one sentence. Absent if it can. */
  problem(): string | undefined;
  /** The counters of its client. */
  metrics(): ClientMetrics;
}

const parts = new Set<HealthPart>();

/** Adds a part, for as long as it is used. Returns the function that removes it. */
export function addHealthPart(part: HealthPart): () => void {
  parts.add(part);
  return () => parts.delete(part);
}

export function healthParts(): HealthPart[] {
  return [...parts];
}
