/** Locks, leader election and updates of keys, for programs: docs/library.md. */
export { Election, type ElectionOptions, type ElectionState } from './election';
export type { Hold } from './hold';
export { Lease, type LeaseOptions } from './lease';
export { Lock, type LockOptions } from './lock';
export { type Change as UpdateChange, type UpdateOptions, type UpdateResult, update } from './update';
