/** The emulator of a store that is set to *Emulator on this machine*: a running emulator, or one that the store starts. */
import { diagnose } from '../../client/diagnosis';
import type { StateStoreClientOptions } from '../../client/options';
import type { Emulator } from '../../emulator/broker';
import { type Damage, StoreFileError } from '../../emulator/file/store-file';
import { DEFAULT_EMULATOR_HOST, DEFAULT_EMULATOR_PORT } from '../../emulator/options';
import { codeOf, messageOf } from '../../errors';
import { ConnectionError } from '../../mqtt/connection-error';
import { type EmulatorAddress, emulators, OtherSettingsError } from './emulators';

/** How many ports are tried, from the wanted one on. */
const PORTS = 20;
/** How long what listens on a port may take to show that it is a state store, in milliseconds, twice. */
const ANSWER_MS = 2000;

/** A file for the keys of an emulator that is started here. */
export interface Keeping {
  file: string;
  onDamage(damage: Damage): void;
}

type Found = 'store' | 'nothing' | 'other';

export class LocalEmulator {
  readonly #storeId: string;
  readonly #wanted: EmulatorAddress;
  readonly #flowsStarted: Promise<void>;
  readonly #keeping: Keeping | undefined;
  #movedTo: number | undefined;
  #released = false;

  /** For the store with this ID, at these host and port. Without `keeping`, keys are kept in memory. It is looked for when the flows have started: emulator nodes come first. */
  constructor(
    storeId: string,
    { host = 'localhost', port = DEFAULT_EMULATOR_PORT }: StateStoreClientOptions,
    flowsStarted: Promise<void> = Promise.resolve(),
    keeping?: Keeping,
  ) {
    this.#keeping = keeping;
    this.#storeId = storeId;
    this.#wanted = { host, port };
    this.#flowsStarted = flowsStarted;
  }

  /** The port it has instead of the wanted one, because another program has that. */
  get movedTo(): number | undefined {
    return this.#movedTo;
  }

  /**
   * Where it is. Starts it if nothing listens there; where something listens that is no state store, on the next port, unless an emulator
   * node was to run there. Rejects with a {@link ConnectionError}.
   */
  async locate(): Promise<EmulatorAddress> {
    await this.#flowsStarted;
    const { host, port: wanted } = this.#wanted;
    const own = emulators.portOf(this);
    if (own !== undefined) return { host, port: own };
    const last = Math.min(wanted + PORTS - 1, 65_535);
    for (let port = wanted; port <= last && !this.#released; port++) {
      const isThere = await this.#isAt(port);
      // Another emulator would not have the rules of the node.
      if (!isThere && emulators.hasFailedNodeAt(addressOf(port))) throw nodeDoesNotRun(port);
      if (!isThere) continue;
      this.#movedTo = port === wanted ? undefined : port;
      return { host, port };
    }
    throw new ConnectionError(
      'noAnswer',
      `Could not start the emulator: other programs use the ports ${wanted} to ${last}`,
      'Enter another port for this store.',
    );
  }

  /** Ends the emulator if no other store or node uses it. What is stored is kept, unless the store is `removed`. */
  async release(removed: boolean): Promise<void> {
    this.#released = true;
    await emulators.release(this, removed);
  }

  /** Whether there is a state store on this port, or now is. */
  async #isAt(port: number): Promise<boolean> {
    if (emulators.runsAt(addressOf(port))) return this.#started(port);
    const found = await listenerOn(this.#wanted.host, port);
    if (found !== 'nothing') return found === 'store';
    return !this.#released && !emulators.hasFailedNodeAt(addressOf(port)) && this.#started(port);
  }

  #reportDamage({ file }: Emulator): void {
    const damage = file?.damage;
    if (!damage || !this.#keeping || reported.has(damage)) return;
    reported.add(damage);
    this.#keeping.onDamage(damage);
  }

  async #started(port: number): Promise<boolean> {
    try {
      const file = this.#keeping?.file ?? '';
      const emulator = await emulators.acquire(
        this,
        { ...addressOf(port), rules: '', tls: {}, file },
        this.#storeId,
      );
      this.#reportDamage(emulator);
    } catch (error) {
      // An emulator node runs one there, with rules.
      if (error instanceof OtherSettingsError) return true;
      // Another process was faster.
      if (codeOf(error) === 'EADDRINUSE') return (await listenerOn(this.#wanted.host, port)) === 'store';
      throw new ConnectionError(
        'noAnswer',
        `Could not start the emulator on port ${port}: ${messageOf(error)}`,
        error instanceof StoreFileError
          ? 'Correct this, or clear "Keep keys after a restart" in the store.'
          : 'Enter another port for this store.',
      );
    }
    if (this.#released) await emulators.release(this, false);
    return true;
  }
}

/** Damage that a store has reported. */
const reported = new WeakSet<Damage>();

function nodeDoesNotRun(port: number): ConnectionError {
  return new ConnectionError(
    'noAnswer',
    `The emulator node on port ${port} does not run`,
    'Its status says why. Correct that, and deploy.',
  );
}

function addressOf(port: number): EmulatorAddress {
  return { host: DEFAULT_EMULATOR_HOST, port };
}

async function listenerOn(host: string, port: number): Promise<Found> {
  const { results } = await diagnose({ host, port, connectTimeout: ANSWER_MS, timeout: ANSWER_MS });
  const { ok, step, reason } = results.at(-1) as (typeof results)[number];
  if (ok || (step === 'store' && reason === 'NOT_AUTHORIZED')) return 'store';
  return reason === 'nothingListens' ? 'nothing' : 'other';
}
