/** The library: a client of the Azure IoT Operations state store for TypeScript and JavaScript programs. */
import type * as diagnosis from './client/diagnosis';
import type * as election from './coordination/election';
import type * as lease from './coordination/lease';
import type * as lock from './coordination/lock';
import type * as updating from './coordination/update';
import type * as broker from './emulator/broker';
import type * as rules from './emulator/rules';

export type { Diagnosis, DiagnosisResult, DiagnosisStep } from './client/diagnosis';
export { optionsFromEnvironment } from './client/environment';
export type { KeyResult } from './client/many';
export { Observation } from './client/observation';
export type { Change, ChangeHandler } from './client/observations';
export type {
  Bytes,
  ObserveOptions,
  RequestOptions,
  SetOptions,
  StateStoreClientOptions,
  WriteOptions,
} from './client/options';
export {
  type DeleteResult,
  type GetResult,
  type SetResult,
  StateStoreClient,
} from './client/state-store-client';
export type { ElectionOptions, ElectionState } from './coordination/election';
export type { Hold } from './coordination/hold';
export type { LeaseOptions } from './coordination/lease';
export type { LockOptions } from './coordination/lock';
export type { Change as UpdateChange, UpdateOptions, UpdateResult } from './coordination/update';
export type { EmulatorOptions, EmulatorTls } from './emulator/broker';
export {
  type ClientErrorCode,
  type ErrorCode,
  type Operation,
  type ServiceErrorCode,
  StateStoreError,
} from './errors';
export type { ConnectionState } from './mqtt/connection';
export { ConnectionError, type ConnectionReason } from './mqtt/connection-error';
export type { Login, TlsOptions } from './mqtt/login';
export { ServiceError } from './protocol/errors';

// What follows is loaded when a program asks for it: most use little of it, and the emulator with its broker and a parser of YAML takes
// longer to load than all the rest.
export let diagnose: typeof diagnosis.diagnose;
export type Election = election.Election;
export let Election: typeof election.Election;
export type Lease = lease.Lease;
export let Lease: typeof lease.Lease;
export type Lock = lock.Lock;
export let Lock: typeof lock.Lock;
export let update: typeof updating.update;
export type Emulator = broker.Emulator;
export let Emulator: typeof broker.Emulator;
export type Rules = rules.Rules;
export let Rules: typeof rules.Rules;
export type RulesError = rules.RulesError;
export let RulesError: typeof rules.RulesError;

const FILES = {
  diagnose: './client/diagnosis',
  Election: './coordination/election',
  Lease: './coordination/lease',
  Lock: './coordination/lock',
  update: './coordination/update',
  Emulator: './emulator/broker',
  Rules: './emulator/rules',
  RulesError: './emulator/rules',
};
for (const [name, file] of Object.entries(FILES))
  Object.defineProperty(exports, name, { enumerable: true, get: () => require(file)[name] });
