/** The processes of a comparison: servers, contenders, and Node-RED with a flow. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Reply } from './contenders/serve';
import type { Job, Measurement } from './measure';
import type { ServerQuestion, ServerReply } from './servers/serve';

/** This package, as Node-RED would have it installed. */
export const ROOT = join(__dirname, '..', '..');
/** Only to end what hangs; a measurement takes a second or two. */
const PATIENCE_MS = 60_000;

export class Child {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;
  readonly #cleanUp: () => void;

  constructor(child: ChildProcess, cleanUp = () => {}) {
    this.#process = child;
    this.#cleanUp = cleanUp;
    this.#ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`${child.spawnargs.join(' ')} ended with ${code ?? signal}`);
    });
    // Every waiting caller gets the error.
    this.#ended.catch(() => undefined);
  }

  /** The next message; fails when the process has ended or ends first, or says nothing for a minute, or as long as given. */
  async next<T>(patienceMs = PATIENCE_MS): Promise<T> {
    const message = once(this.#process, 'message', { signal: AbortSignal.timeout(patienceMs) });
    const silence = message.catch(() => {
      throw new Error(`${this.#process.spawnargs.join(' ')} said nothing for ${patienceMs / 1000} seconds`);
    });
    const [reply] = await Promise.race([silence, this.#ended]);
    return reply as T;
  }

  ask<T>(message: object, patienceMs?: number): Promise<T> {
    this.#process.send(message);
    return this.next<T>(patienceMs);
  }

  async stop(): Promise<void> {
    this.#process.kill();
    await this.#ended.catch(() => undefined);
    this.#cleanUp();
  }
}

/** A broker with a store, or `redis-server`. */
export class Server extends Child {
  port = 0;

  static async start(name: 'emulator' | 'aedes' | 'redis', ...parameters: string[]): Promise<Server> {
    const server = new Server(fork(join(__dirname, 'servers', name), parameters));
    ({ port: server.port } = await server.next<{ port: number }>());
    return server;
  }

  /** CPU time in microseconds so far. */
  async cpu(): Promise<number> {
    const reply = await this.#question('cpu');
    return 'cpu' in reply ? reply.cpu : Number.NaN;
  }

  /** MB after a garbage collection; this process must run with `--expose-gc`, and so will the server. */
  async memory(): Promise<number> {
    const reply = await this.#question('memory');
    return 'memory' in reply ? reply.memory : Number.NaN;
  }

  #question(what: ServerQuestion): Promise<ServerReply> {
    return this.ask<ServerReply>({ what });
  }
}

/** One of the ways to talk to a store, in a process of its own. */
export interface Measured {
  readonly name: string;
  measure(job: Job): Promise<Measurement>;
  stop(): Promise<void>;
}

/** One that is written for Node.js. */
export class ContenderProcess extends Child implements Measured {
  readonly name: string;

  private constructor(name: string, ...child: ConstructorParameters<typeof Child>) {
    super(...child);
    this.name = name;
  }

  /** A program of the folder `contenders`. */
  static async start(name: 'client' | 'plain' | 'floor', port: number): Promise<ContenderProcess> {
    const contender = new ContenderProcess(name, fork(join(__dirname, 'contenders', name), [String(port)]));
    await contender.next();
    return contender;
  }

  /** A Node-RED with these flows, whose `bench-driver` does the measuring, and a folder of nodes. */
  static async startFlow(name: string, flows: object[], nodes = ROOT): Promise<ContenderProcess> {
    const nodeRed = forkNodeRed(flows, [nodes], 'driver-node', { httpAdminRoot: false });
    const contender = new ContenderProcess(name, ...nodeRed);
    await contender.next();
    return contender;
  }

  async measure(job: Job): Promise<Measurement> {
    const reply = await this.ask<Reply>(job);
    if ('measurement' in reply) return reply.measurement;
    throw new Error(`${this.name}: ${JSON.stringify(reply)}`);
  }
}

/**
 * A process of Node-RED with a user directory of its own, in which the packages in these folders are installed. Its node
 * `bench-driver`, which talks to the parent, is that of a file of `contenders`.
 */
export function forkNodeRed(
  flows: object[],
  packages: string[],
  driver: 'driver-node' | 'start-node' | 'counter-node',
  more: object = {},
): [child: ChildProcess, cleanUp: () => void] {
  const userDir = mkdtempSync(join(tmpdir(), 'bench-'));
  writeFileSync(join(userDir, 'package.json'), '{ "name": "node-red-project", "private": true }');
  for (const folder of packages) {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string };
    const installed = join(userDir, 'node_modules', name);
    mkdirSync(dirname(installed), { recursive: true });
    symlinkSync(folder, installed, 'junction');
  }
  const nodes = join(userDir, 'nodes');
  mkdirSync(nodes);
  const file = JSON.stringify(join(__dirname, 'contenders', driver));
  writeFileSync(join(nodes, 'bench-driver.js'), `module.exports = require(${file});`);
  writeFileSync(
    join(nodes, 'bench-driver.html'),
    '<script type="text/javascript">RED.nodes.registerType("bench-driver", { inputs: 1, outputs: 2, defaults: {} });</script>',
  );
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flows));
  const settings = {
    ...{ flowFile: 'flows.json', httpNodeRoot: false, uiHost: '127.0.0.1', uiPort: 0 },
    ...{ telemetry: { enabled: false }, credentialSecret: 'bench', ...more },
  };
  writeFileSync(join(userDir, 'settings.js'), `module.exports = ${JSON.stringify(settings)};`);
  const red = join(ROOT, 'node_modules', 'node-red', 'red.js');
  const child = fork(red, ['--userDir', userDir, '--settings', join(userDir, 'settings.js')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return [child, () => rmSync(userDir, { recursive: true, force: true })];
}
