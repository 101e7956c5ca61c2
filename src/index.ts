/** The library: a client of the Azure IoT Operations state store for TypeScript and JavaScript programs. */
export { type Diagnosis, type DiagnosisResult, type DiagnosisStep, diagnose } from './client/diagnosis';
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
export { Election, type ElectionOptions, type ElectionState } from './coordination/election';
export type { Hold } from './coordination/key-lock';
export { Lease, type LeaseOptions } from './coordination/lease';
export { Lock, type LockOptions } from './coordination/lock';
export {
  type Change as UpdateChange,
  type UpdateOptions,
  type UpdateResult,
  update,
} from './coordination/update';
export { Emulator, type EmulatorOptions, type EmulatorTls } from './emulator/broker';
export { Rules, RulesError } from './emulator/rules';
export type { ConnectionState } from './mqtt/connection';
export { ConnectionError, type ConnectionReason } from './mqtt/connection-error';
export type { Login, TlsOptions } from './mqtt/login';
export {
  type ClientErrorCode,
  type ErrorCode,
  type Operation,
  ServiceError,
  type ServiceErrorCode,
  StateStoreError,
} from './protocol/errors';
