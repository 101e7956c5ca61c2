/** Two clients of one emulator for each test of a suite, and a proxy for faults. */
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { FaultProxy } from './fault-proxy';

export interface ClientsSuite {
  readonly emulator: Emulator;
  /** A way to the emulator. */
  readonly proxy: FaultProxy;
  readonly a: StateStoreClient;
  readonly b: StateStoreClient;
  /** Another client, which is closed after the test. Of the emulator by default. */
  client(port?: number, options?: StateStoreClientOptions): StateStoreClient;
  /** Closes a client after the test. */
  closeLater(client: StateStoreClient): void;
  /** The text of a key; undefined if it does not exist. */
  stored(key: string): Promise<string | undefined>;
}

/** Registers the hooks of the suite. Read the clients in a test or in a later hook. */
export function useClients(): ClientsSuite {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let clients: StateStoreClient[] = [];
  let a: StateStoreClient;
  let b: StateStoreClient;

  const client = (port = emulator.port, options: StateStoreClientOptions = {}) => {
    const one = new StateStoreClient({ host: '127.0.0.1', port, ...options });
    clients.push(one);
    return one;
  };

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    clients = [];
    a = client();
    b = client();
  });
  afterEach(async () => {
    proxy.heal();
    await Promise.all(clients.map((one) => one.close()));
    await proxy.close();
    await emulator.close();
  });

  return {
    get emulator() {
      return emulator;
    },
    get proxy() {
      return proxy;
    },
    get a() {
      return a;
    },
    get b() {
      return b;
    },
    client,
    closeLater: (one) => clients.push(one),
    async stored(key) {
      const got = await b.get(key);
      return got.found ? got.value.toString() : undefined;
    },
  };
}

export const hlc = (version: string | undefined): Hlc => parseHlc(version as string) as Hlc;

/** Whether the first version is newer than the second one. */
export const isNewer = (one: string | undefined, other: string | undefined): boolean =>
  compareHlc(hlc(one), hlc(other)) > 0;
