/** The options of an emulator, and their rules. A wrong option is a `BAD_ARGUMENT` that names it. */
import {
  bad,
  boolean,
  bytes,
  checkRules,
  functionOf,
  integer,
  type Rule,
  type Rules as RulesOf,
  text,
} from '../option-rules';
import { Rules } from './access/rules';
import { StateStoreEngine } from './engine';
import type { LoadedKey } from './store/change';

/** Options of {@link Emulator.start}. All are optional. */
export interface EmulatorOptions {
  /** TCP port, 0 to 65535; 0 lets the system choose. Default 1883. */
  port?: number;
  /** Address to listen on. Default 127.0.0.1: this computer only, because every client that connects may have full access. */
  host?: string;
  /** Speak TLS; plain TCP by default. */
  tls?: EmulatorTls;
  /** The wall clock, in milliseconds since 1970. Versions follow it. For tests. Default: the clock of this machine. */
  now?: () => number;
  /**
   * The monotonic clock, in milliseconds from any beginning. Expiry follows it. For tests. Default: `now` if that is given, so that one function
   * moves both, otherwise the monotonic clock of this machine.
   */
  elapsed?: () => number;
  /** The store to serve; a new, empty one by default. @internal */
  engine?: StateStoreEngine;
  /**
   * Path of a file that keeps the keys. A write is on disk before its response is sent. One process at a time can use the file. By default keys
   * are kept in memory only.
   */
  file?: string;
  /** Keys to set at the start. They replace existing keys. */
  load?: readonly LoadedKey[];
  /** Users and rules. By default every client has full access. */
  rules?: Rules;
  /** Most keys the store holds; no limit by default. */
  keyQuota?: number;
  /** Whether SCAN (a list of the keys) is served; false answers "unknown command", as older brokers do. Default true. */
  scan?: boolean;
  /** Largest packet in bytes that the broker accepts, also before login (MQTT 5 section 3.2.2.3.6), at least 1. Default 4 MiB. */
  maximumPacketSize?: number;
  /** Unacknowledged publishes the broker accepts per client (MQTT 5 section 3.2.2.3.3), 1 to 65535. */
  receiveMaximum?: number;
  /**
   * Whether a write that comes twice (same client, correlation data and `__ts`, before its message expiry) is executed once and answered
   * twice. Default true; false is for tests of clients.
   */
  recogniseRepeats?: boolean;
}

/** Certificate and private key of the emulator, PEM, and, where clients need a certificate, of the authorities that sign these. */
export interface EmulatorTls {
  /** The certificate, as PEM. */
  cert: string | Buffer;
  /** Its private key, as PEM. */
  key: string | Buffer;
  /** With it, a client without a certificate of these authorities is turned away. */
  ca?: string | Buffer;
}

export const DEFAULT_EMULATOR_PORT = 1883;
export const DEFAULT_EMULATOR_HOST = '127.0.0.1';
/** Largest packet in bytes. */
export const DEFAULT_MAXIMUM_PACKET_SIZE = 2 ** 22;
/** Largest packet of MQTT in bytes, with its fixed header (MQTT 5 section 1.5.5). */
const MAX_PACKET_SIZE = 268_435_460;

const notBlank: Rule = (field, value, context) => {
  text(field, value, context);
  if (value === '') throw bad(field, 'must not be blank', context);
};

/** A value that `isRight` accepts. */
function only(isRight: (value: unknown) => boolean, what: string): Rule {
  return (field, value, context) => {
    if (!isRight(value)) throw bad(field, `must be ${what}`, context);
  };
}

const TLS_RULES: RulesOf<EmulatorTls> = { cert: bytes, key: bytes, ca: bytes };

const KEY_RULES: RulesOf<LoadedKey> = {
  key: only(Buffer.isBuffer, 'a Buffer'),
  value: only(Buffer.isBuffer, 'a Buffer'),
};

const EMULATOR_RULES: RulesOf<EmulatorOptions> = {
  port: integer(0, 65_535),
  host: notBlank,
  tls: (field, value, context) => {
    checkRules(value, TLS_RULES, context, field);
    const { cert, key } = value as Partial<EmulatorTls>;
    if (cert === undefined) throw bad(`${field}.cert`, 'is missing', context);
    if (key === undefined) throw bad(`${field}.key`, 'is missing', context);
  },
  now: functionOf('milliseconds'),
  elapsed: functionOf('milliseconds'),
  engine: only((value) => value instanceof StateStoreEngine, 'an engine'),
  file: notBlank,
  load: (field, value, context) => {
    if (!Array.isArray(value)) throw bad(field, 'must be an array', context);
    for (const [index, one] of value.entries()) {
      const place = `${field}[${index}]`;
      checkRules(one, KEY_RULES, context, place);
      const { key, value: content } = one as Partial<LoadedKey>;
      if (!key || !content) throw bad(place, 'must have a key and a value', context);
    }
  },
  rules: only((value) => value instanceof Rules, 'the result of EmulatorRules.parse'),
  keyQuota: (field, value, context) => {
    if (value !== Number.POSITIVE_INFINITY) integer(0)(field, value, context);
  },
  scan: boolean,
  maximumPacketSize: integer(1, MAX_PACKET_SIZE),
  receiveMaximum: integer(1, 65_535),
  recogniseRepeats: boolean,
};

/** Throws `BAD_ARGUMENT` for an unknown option and for a value of the wrong type or range. */
export function checkOptions(options: EmulatorOptions): void {
  checkRules(options, EMULATOR_RULES);
}
