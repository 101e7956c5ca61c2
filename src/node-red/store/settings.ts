/** What the editor saves for a `statestore-config`. */
import type { StateStoreClientOptions } from '../../client/options';

const THIS_MACHINE = /^(localhost|127\.0\.0\.1)$/;

/** What the editor saves. Numbers may be text, text may be empty, and either may be `${NAME}` of the environment. */
export interface StoreSettings {
  /** What was selected for *Connect to*. */
  place?: 'emulator' | 'aio' | 'other' | 'environment' | undefined;
  /** `environment` reads server, TLS, login and session from the `AIO_*` variables. */
  source?: 'settings' | 'environment' | undefined;
  /**
   * Whether an emulator that Node-RED starts for this store keeps its keys in a file. Stores that were saved before this setting existed keep
   * them in memory.
   */
  keep?: boolean | undefined;
  host?: string | undefined;
  port?: string | number | undefined;
  /**
   * `public`: the authorities of this computer must know the certificate. `config`: a `tls-config` node. `files`: the paths below.
   * Empty: plain TCP.
   */
  tls?: '' | 'public' | 'config' | 'files' | undefined;
  tlsConfig?: string | undefined;
  caFile?: string | undefined;
  certFile?: string | undefined;
  keyFile?: string | undefined;
  /** Whether the broker's certificate must be valid (only with `files`; a `tls-config` has its own). */
  verify?: boolean | undefined;
  login?: '' | 'password' | 'token' | undefined;
  tokenFile?: string | undefined;
  clientId?: string | undefined;
  /** Seconds. */
  keepAlive?: string | number | undefined;
  /** Seconds. */
  sessionExpiry?: string | number | undefined;
  /** Seconds. */
  timeout?: string | number | undefined;
  inFlightLimit?: string | number | undefined;
  queueLimit?: string | number | undefined;
  keyPrefix?: string | undefined;
  /** User property that asks to keep a key on disk. */
  persistName?: string | undefined;
  persistValue?: string | undefined;
  /** True if all set and update nodes ask for persistence of their keys, even if the option in the node is not selected. */
  persistAll?: boolean | undefined;
  /** The name in the metrics of the broker; blank: the default of the client. */
  metricCategory?: string | undefined;
  /** Missing in stores that were saved before this field existed: true. */
  highPriority?: boolean | undefined;
}

/** What Node-RED keeps apart from the flow, encrypted. */
export interface StoreCredentials {
  username?: string | undefined;
  password?: string | undefined;
  keyPassword?: string | undefined;
}

/** Node-RED starts an emulator for a store that is set to *Emulator on this machine*, without TLS and login, if its address is free. */
export function isAutomatic(settings: StoreSettings, options: StateStoreClientOptions): boolean {
  const { place, source, login } = settings;
  const { host, tls } = options;
  return (
    place === 'emulator' &&
    source !== 'environment' &&
    !tls &&
    !login &&
    THIS_MACHINE.test(host ?? 'localhost')
  );
}
