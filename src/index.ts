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
export type { KeyList } from './client/scan';
export {
  type DeleteResult,
  type GetResult,
  type SetResult,
  StateStoreClient,
} from './client/state-store-client';
export {
  type ClientErrorCode,
  type ErrorCode,
  type ErrorFacts,
  type Operation,
  type ServiceErrorCode,
  StateStoreError,
} from './errors';
export type { ConnectionState } from './mqtt/connection';
export { ConnectionError, type ConnectionReason } from './mqtt/connection-error';
export type { Login, TlsOptions } from './mqtt/login';
export { ServiceError } from './protocol/errors';
export { escapePattern } from './protocol/glob';
