/** The library: a client of the Azure IoT Operations state store for TypeScript and JavaScript programs. */
export { bytes, type Codec, json, text } from './client/codec';
export { type Diagnosis, type DiagnosisResult, type DiagnosisStep, diagnose } from './client/diagnosis';
export { optionsFromEnvironment } from './client/environment';
export type { KeyResult } from './client/many';
export type { ChangeHandler, KeyChange, Observation } from './client/observation';
export type {
  Bytes,
  ObserveOptions,
  RequestOptions,
  SetOptions,
  StateStoreClientOptions,
  WriteOptions,
} from './client/options';
export type { DeleteResult, GetResult, SetResult } from './client/results';
export type { KeyList } from './client/scan';
export { StateStoreClient } from './client/state-store-client';
export type { TypedGetResult, TypedStore } from './client/typed-store';
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
