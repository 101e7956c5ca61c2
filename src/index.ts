/** The library: a client of the Azure IoT Operations state store for TypeScript and JavaScript programs. */
import type * as broker from './emulator/broker';
import type * as rules from './emulator/rules';

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
export type { EmulatorOptions, EmulatorTls } from './emulator/broker';
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

// The emulator brings a broker and a parser of YAML with it, which take longer to load than all the rest, and most programs never use
// them. So these three are loaded when somebody asks for them.
export type Emulator = broker.Emulator;
export type Rules = rules.Rules;
export type RulesError = rules.RulesError;
export let Emulator: typeof broker.Emulator;
export let Rules: typeof rules.Rules;
export let RulesError: typeof rules.RulesError;

const loadBroker = (): typeof broker => require('./emulator/broker');
const loadRules = (): typeof rules => require('./emulator/rules');
Object.defineProperties(exports, {
  Emulator: { enumerable: true, get: () => loadBroker().Emulator },
  Rules: { enumerable: true, get: () => loadRules().Rules },
  RulesError: { enumerable: true, get: () => loadRules().RulesError },
});
