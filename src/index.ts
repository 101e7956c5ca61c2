/** The library: a client of the Azure IoT Operations state store for TypeScript and JavaScript programs. */
export { bytes, type Codec, json, text } from './client/codec';
export { type Diagnosis, type DiagnosisResult, type DiagnosisStep, diagnose } from './client/diagnosis';
export { optionsFromEnvironment } from './client/environment';
export type { FailedKey, KeyResult, OfKey } from './client/many';
export type { ClientMetrics, RequestMetrics } from './client/metrics';
export type { ChangeHandler, KeyChange, KeyDeleted, KeySet, Observation } from './client/observation';
export type {
  BrokerAddress,
  Bytes,
  ObserveOptions,
  RequestOptions,
  SetOptions,
  StateStoreClientOptions,
  UserProperty,
  WriteOptions,
} from './client/options';
export type { DeleteResult, FoundValue, GetResult, MissingKey, SetResult } from './client/results';
export type { KeyList } from './client/scan';
export { StateStoreClient } from './client/state-store-client';
export type { TypedGetResult, TypedStore } from './client/typed-store';
export {
  type ClientErrorCode,
  type ErrorCode,
  type ErrorContext,
  type ErrorFacts,
  type Explanation,
  type Operation,
  type ServiceErrorCode,
  StateStoreError,
} from './errors';
export {
  ConnectionError,
  type ConnectionReason,
  type ConnectionRetry,
  type ConnectionStage,
} from './mqtt/connection-error';
export type {
  Closed,
  Connected,
  Connecting,
  ConnectionState,
  Disconnected,
  Stopped,
} from './mqtt/connection-state';
export type { Login, TlsOptions } from './mqtt/login';
export type { SetCondition } from './protocol/commands';
export { ServiceError } from './protocol/errors';
export { escapePattern } from './protocol/glob';
