/** The flows of this instance: the version that runs here, kept equal to the version in the store. */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { StateStoreClient } from '../client/state-store-client';
import { messageOf, StateStoreError } from '../errors';
import { ConflictError, currentOf, type FlowIndex, type FlowVersion } from './flow-index';
import type { FlowStore, VersionDetails } from './flow-store';
import type { LoadedVersion, LocalCopy } from './local-copy';
import { Deploys, type FlowNode, missingHere, modulesOf, type Runtime } from './runtime';
import type { Secret } from './secret';
import { SecretCheck } from './secret-check';
import { Serial } from './serial';

/** Pause before a version that could not be read is read again, in milliseconds. */
const RETRY_MS = 1000;

/** The JSON of a version. */
interface Content {
  flows: FlowNode[];
  credentials: object;
}

export interface FlowStorageParts {
  client: StateStoreClient;
  store: FlowStore;
  copy: LocalCopy;
  secret: Secret;
  /** Key that proves the secret. */
  secretKey: string;
  runtime: Runtime;
  instance: string;
}

export class FlowStorage {
  readonly #parts: FlowStorageParts;
  readonly #deploys: Deploys;
  readonly #serial = new Serial();
  readonly #secret: SecretCheck;
  /** The version that runs here. Absent before the first deploy. */
  #own: LoadedVersion | undefined;
  #pendingCredentials: object | undefined;
  /** JSON of the flows that are being loaded from another instance: Node-RED saves them on its way. */
  #loading: string | undefined;
  /** Resolves when the flows of the latest deploy have started. */
  #settled: Promise<void> = Promise.resolve();
  /** The version that ran when Node-RED accepted the revision of the editor. Absent outside of that deploy. */
  #base: string | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: FlowStorageParts) {
    this.#parts = parts;
    this.#secret = new SecretCheck(parts);
    this.#deploys = new Deploys(parts.runtime, () => this.#onDeploy());
    this.#settled = firstStart(parts.runtime);
  }

  /**
   * Loads the version in the store. If the store has none, a flow file of this instance that is newer than its copy becomes the first version
   * (`adopt`), otherwise the copy is written back. Throws if the secret is another one, or if the version or the copy is damaged.
   */
  async load(adopt: (newerThanMs: number) => Promise<Content | undefined>): Promise<void> {
    await this.#secret.check();
    if (this.#secret.fault) throw this.#secret.fault;
    const index = await this.#parts.store.readIndex();
    const version = currentOf(index);
    if (version) {
      await this.#keep(version, index.sequence, await this.#parts.store.read(version));
      return;
    }
    const copy = await this.#parts.copy.read();
    const adopted = await adopt(copy ? await this.#parts.copy.changedAt() : 0);
    if (!adopted) {
      if (copy) await this.#writeBack(copy);
      return;
    }
    try {
      await this.#deploy('', adopted, 'full', undefined);
    } catch (error) {
      // Another instance was first.
      if (!(error instanceof ConflictError)) throw error;
      await this.load(async () => undefined);
    }
  }

  /** Takes the copy on disk. Returns the version, or `undefined` if there is no copy. Throws if the copy is damaged. */
  async loadCopy(): Promise<FlowVersion | undefined> {
    this.#own = await this.#parts.copy.read();
    return this.#own?.version;
  }

  /** Loads later versions as soon as they are deployed, for as long as the process lives. */
  follow(): void {
    const { client, runtime } = this.#parts;
    client.on('state', ({ kind }) => {
      if (kind === 'connected') this.#sync();
    });
    void this.#settled.then(() => this.#reportMissing());
    void this.#observe();
    if (client.state.kind === 'connected') this.#sync();
    client.on('observationLost', (_key, error) => {
      runtime.log.error(
        `Deploys of other instances are not noticed before the next connection: ${error.message}`,
      );
    });
  }

  /** Why this instance does not follow the flows in the store now; `undefined` if it does. */
  problem(): string | undefined {
    const { state } = this.#parts.client;
    if (this.#secret.fault) return this.#secret.fault.message;
    if (state.kind !== 'connected')
      return 'reason' in state && state.reason
        ? state.reason.message
        : 'The state store does not answer yet.';
    const missing = this.#missing();
    return missing && `${missing.text}: ${missing.names.join(', ')}`;
  }

  flows(): FlowNode[] {
    return this.#content().flows;
  }

  credentials(): object {
    return this.#content().credentials;
  }

  /** Node-RED saves credentials first and flows directly afterwards. */
  keepCredentials(credentials: object): void {
    if (this.#loading === undefined) this.#pendingCredentials = credentials;
  }

  /**
   * Deploys flows. Rejects with `ConflictError` if another instance deployed other flows since, and with a {@link StateStoreError} if
   * they could not be stored.
   */
  async save(flows: FlowNode[], user: string | undefined): Promise<void> {
    if (this.#loading !== undefined && this.#loading === JSON.stringify(flows)) return;
    // Flows of another instance may be loaded while this deploy waits for its turn. They must not become its base.
    const base = this.#base ?? this.#runs;
    this.#base = undefined;
    await this.#serial.run(async () => {
      const credentials = this.#pendingCredentials ?? this.credentials();
      this.#pendingCredentials = undefined;
      if (this.#secret.fault) throw this.#secret.fault;
      try {
        await this.#deploy(base, { flows, credentials }, this.#deploys.type, user);
      } catch (error) {
        // The editor shows the flows of the other instance, once this instance runs them.
        if (error instanceof ConflictError) this.#sync();
        throw error;
      }
      this.#settled = this.#deploys.ended();
    });
  }

  /** ID of the version that runs here. Blank before the first deploy. */
  get #runs(): string {
    return this.#own?.version.id ?? '';
  }

  #onDeploy(): void {
    this.#base = this.#runs;
    // Node-RED saves the flows in the same turn of the event loop, or refuses the revision.
    setImmediate(() => {
      this.#base = undefined;
    });
  }

  async #deploy(
    base: string,
    content: Content,
    type: VersionDetails['type'],
    user: string | undefined,
  ): Promise<void> {
    const { store, runtime, instance } = this.#parts;
    const bytes = Buffer.from(JSON.stringify(content));
    const details: VersionDetails = {
      by: instance,
      nodes: content.flows.length,
      type,
      modules: modulesOf(content.flows, runtime),
      ...(user !== undefined && { user }),
    };
    const { index, version } = await store.deploy(base, bytes, details);
    await this.#keep(version, index.sequence, bytes);
  }

  async #keep(version: FlowVersion, sequence: number, content: Buffer): Promise<void> {
    this.#own = { version, sequence, content };
    try {
      await this.#parts.copy.write(this.#own);
    } catch (error) {
      this.#parts.runtime.log.warn(
        `The copy of the flows could not be written to ${this.#parts.copy.path}: ${messageOf(error)}`,
      );
    }
  }

  /** Makes this instance and the store equal when the flows have started: the highest sequence wins. */
  #sync(): void {
    clearTimeout(this.#retry);
    const settled = this.#settled;
    void settled.then(() =>
      this.#serial.run(async () => {
        // A deploy began meanwhile.
        if (settled !== this.#settled) {
          this.#sync();
          return;
        }
        try {
          await this.#secret.check();
          if (!this.#secret.fault) await this.#takeOrRestore();
        } catch (error) {
          this.#report(error);
        }
      }),
    );
  }

  async #takeOrRestore(): Promise<void> {
    const { store } = this.#parts;
    const own = this.#own;
    let index = await store.readIndex();
    if (own && index.sequence < own.sequence) index = await this.#writeBack(own);
    const version = currentOf(index);
    if (!version) return;
    if (version.id === own?.version.id) {
      if (index.sequence !== own.sequence) await this.#keep(version, index.sequence, own.content);
      return;
    }
    const content = await store.read(version);
    await this.#apply(version, index.sequence, content);
  }

  /** Makes `own` the version of this instance, and of a store that has an older one or none. */
  async #writeBack(own: LoadedVersion): Promise<FlowIndex> {
    this.#own = own;
    const index = await this.#parts.store.recover(own.version, own.sequence, own.content);
    this.#parts.runtime.log.warn(
      'The state store had lost the flows or had older flows. This instance wrote its flows back.',
    );
    return index;
  }

  /** Has Node-RED run a version of another instance. */
  async #apply(version: FlowVersion, sequence: number, bytes: Buffer): Promise<void> {
    const { runtime } = this.#parts;
    const { flows, credentials } = parseContent(bytes);
    runtime.log.info(`Loading the flows that ${version.user ?? version.by} deployed at ${version.at}`);
    this.#loading = JSON.stringify(flows);
    try {
      const ended = this.#deploys.ended();
      await this.#keep(version, sequence, bytes);
      await runtime.flows.setFlows(flows, credentials, version.type, false, false, undefined);
      await ended;
    } finally {
      this.#loading = undefined;
      this.#pendingCredentials = undefined;
    }
    this.#reportMissing();
  }

  /** Observes until it succeeds. Each change leads to a comparison with the list in the store. */
  async #observe(): Promise<void> {
    for (;;) {
      try {
        await this.#parts.store.observe(() => this.#sync());
        return;
      } catch (error) {
        if (!(error instanceof StateStoreError) || !error.retryable) {
          this.#parts.runtime.log.error(`Deploys of other instances are not noticed: ${messageOf(error)}`);
          return;
        }
        await pause(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  #report(error: unknown): void {
    const { runtime } = this.#parts;
    if (error instanceof StateStoreError && error.retryable) {
      this.#retry = setTimeout(() => this.#sync(), RETRY_MS).unref();
      return;
    }
    runtime.log.error(
      `The deployed flows could not be loaded, and the flows before go on running: ${messageOf(error)}`,
    );
  }

  #reportMissing(): void {
    const missing = this.#missing();
    if (missing) this.#parts.runtime.log.warn(`${missing.text}: ${missing.names.join(', ')}`);
  }

  #missing(): { text: string; names: string[] } | undefined {
    const own = this.#own;
    if (!own) return undefined;
    const { modules, types } = missingHere(this.flows(), own.version.modules, this.#parts.runtime);
    if (modules.length > 0)
      return { text: 'Palette modules that the flows need are not installed here', names: modules };
    if (types.length > 0)
      return { text: 'Node types that the flows need are not installed here', names: types };
    return undefined;
  }

  #content(): Content {
    return this.#own ? parseContent(this.#own.content) : { flows: [], credentials: {} };
  }
}

function parseContent(bytes: Buffer): Content {
  return JSON.parse(bytes.toString('utf8')) as Content;
}

/** Resolves when Node-RED has loaded flows for the first time: it may not be given others before. */
function firstStart({ events }: Runtime): Promise<void> {
  return new Promise((resolve) => {
    const onEvent = ({ id }: { id?: string }) => {
      if (id !== 'runtime-state' && id !== 'runtime-deploy') return;
      events.off('runtime-event', onEvent);
      void turn().then(() => resolve());
    };
    events.on('runtime-event', onEvent);
  });
}
