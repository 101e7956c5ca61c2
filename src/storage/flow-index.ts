/**
 * The list of all versions of the flows, in one key of the store. A change of this key is a deploy: readers see the old version or
 * the new one, never a mixture. Pure: no I/O and no clock.
 */
import { StateStoreError } from '../errors';

/** One version of flows and credentials. Its bytes are in `parts` keys of their own. */
export interface FlowVersion {
  /** Unique, and part of the names of its keys. */
  readonly id: string;
  readonly parts: number;
  /** Bytes of all parts. */
  readonly bytes: number;
  /** SHA-256 of these bytes, hexadecimal. */
  readonly sha256: string;
  /** Time of the deploy, ISO 8601. */
  readonly at: string;
  /** The instance that deployed it. */
  readonly by: string;
  /** The user of the editor, if Node-RED knows one. */
  readonly user?: string;
  /** Number of nodes, for the list that a person reads. */
  readonly nodes: number;
  /** The deploy type of the editor: `full`, `flows` or `nodes`. */
  readonly type: DeployType;
  /** Palette modules that the flows need, and their versions. */
  readonly modules: Readonly<Record<string, string>>;
}

export type DeployType = 'full' | 'flows' | 'nodes';

export interface FlowIndex {
  /** Grows with each deploy and each return to an older version. After a loss of memory the highest sequence wins. */
  readonly sequence: number;
  /** The version that runs. Blank before the first deploy. */
  readonly current: string;
  /** From the oldest to the newest. */
  readonly versions: readonly FlowVersion[];
  /** Versions whose parts are being written. A version stays here if its writer ended too early. */
  readonly pending: readonly Pending[];
}

interface Pending {
  readonly id: string;
  readonly parts: number;
  /** Time at which writing began, in milliseconds since 1970. */
  readonly since: number;
}

export const EMPTY_INDEX: FlowIndex = { sequence: 0, current: '', versions: [], pending: [] };

/** Milliseconds after which a version that was not completed is given up by the next deploy. */
const ABANDONED_MS = 10 * 60_000;

/** A deploy that is based on another version than the current one. Node-RED's editor shows its conflict dialog for this status. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
  readonly code = 'version_mismatch';
  readonly status = 409;
}

/** Reads the bytes of the key. Throws `BAD_RESPONSE` if they are not an index. */
export function parseIndex(bytes: Buffer | undefined): FlowIndex {
  if (bytes === undefined) return EMPTY_INDEX;
  let index: unknown;
  try {
    index = JSON.parse(bytes.toString('utf8'));
  } catch {
    index = undefined;
  }
  if (isIndex(index)) return index;
  throw new StateStoreError('BAD_RESPONSE', {
    problem: 'The list of flow versions in the state store is damaged',
    advice:
      'Restore it from a backup, or delete its key to begin with the flows of the next instance that starts.',
  });
}

export function formatIndex(index: FlowIndex): Buffer {
  return Buffer.from(JSON.stringify(index));
}

export function currentOf({ current, versions }: FlowIndex): FlowVersion | undefined {
  return versions.find(({ id }) => id === current);
}

/** Announces a version before its parts are written. Returns the abandoned versions, whose parts can be deleted. */
export function begin(
  index: FlowIndex,
  base: string,
  { id, parts }: Pick<FlowVersion, 'id' | 'parts'>,
  now: number,
): { index: FlowIndex; abandoned: readonly Pending[] } {
  refuseConflict(index, base);
  const abandoned = index.pending.filter(({ since }) => Math.abs(now - since) > ABANDONED_MS);
  const pending = index.pending.filter((one) => !abandoned.includes(one));
  return { index: { ...index, pending: [...pending, { id, parts, since: now }] }, abandoned };
}

/** Makes a version whose parts are all written the current one. Returns the versions beyond `keep`, whose parts can be deleted. */
export function complete(
  index: FlowIndex,
  base: string,
  version: FlowVersion,
  keep: number,
): { index: FlowIndex; dropped: readonly FlowVersion[] } {
  refuseConflict(index, base);
  if (!index.pending.some(({ id }) => id === version.id))
    throw new ConflictError(
      'Writing this version took so long that another instance gave it up. Deploy again.',
    );
  const all = [...index.versions, version];
  const versions = all.slice(-keep);
  return {
    index: {
      sequence: index.sequence + 1,
      current: version.id,
      versions,
      pending: index.pending.filter(({ id }) => id !== version.id),
    },
    dropped: all.filter((one) => !versions.includes(one)),
  };
}

/** Goes back to a version of the list. Throws `BAD_ARGUMENT` if it is not in the list. */
export function restore(index: FlowIndex, id: string): FlowIndex {
  if (!index.versions.some((one) => one.id === id)) {
    const known = index.versions.map((one) => one.id).join(', ') || 'none';
    throw new StateStoreError('BAD_ARGUMENT', {
      problem: `There is no flow version ${id}`,
      advice: `Versions in the store: ${known}.`,
    });
  }
  return index.current === id ? index : { ...index, sequence: index.sequence + 1, current: id };
}

/**
 * The index to write when this instance runs `own` with `sequence`, and the store has an older index or none, because it lost its memory.
 * Returns `undefined` if the store is as new as this instance: then the store decides.
 */
export function recovered(index: FlowIndex, own: FlowVersion, sequence: number): FlowIndex | undefined {
  if (index.sequence >= sequence) return undefined;
  const others = index.versions.filter(({ id }) => id !== own.id);
  return { ...index, sequence, current: own.id, versions: [...others, own] };
}

function refuseConflict({ current, versions }: FlowIndex, base: string): void {
  if (current === base) return;
  const other = versions.find(({ id }) => id === current);
  const by = other === undefined ? 'Another instance' : `${other.user ?? other.by}`;
  throw new ConflictError(`${by} deployed other flows meanwhile. Review the changes, and deploy again.`);
}

function isIndex(value: unknown): value is FlowIndex {
  if (typeof value !== 'object' || value === null) return false;
  const { sequence, current, versions, pending } = value as Partial<FlowIndex>;
  return (
    typeof sequence === 'number' &&
    typeof current === 'string' &&
    Array.isArray(pending) &&
    Array.isArray(versions) &&
    versions.every(isVersion)
  );
}

function isVersion(value: unknown): value is FlowVersion {
  if (typeof value !== 'object' || value === null) return false;
  const { id, parts, bytes, sha256 } = value as Partial<FlowVersion>;
  return (
    typeof id === 'string' &&
    typeof parts === 'number' &&
    typeof bytes === 'number' &&
    typeof sha256 === 'string'
  );
}
