/** The processes of a comparison: servers, contenders, and Node-RED with a flow. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Reply } from './contenders/serve';
import type { Job, Measurement } from './measure';
import type { ServerQuestion, ServerReply } from './servers/serve';

const ROOT = join(__dirname, '..', '..');

class Child {
  readonly #process: ChildProcess;

  constructor(child: ChildProcess) {
    this.#process = child;
  }

  /** The next message; fails when the process ends first. */
  async next<T>(): Promise<T> {
    const ended = new AbortController();
    const message = once(this.#process, 'message', { signal: ended.signal });
    this.#process.once('exit', () => ended.abort(new Error(`${this.#process.spawnargs.join(' ')} ended`)));
    const [reply] = await message;
    this.#process.removeAllListeners('exit');
    return reply as T;
  }

  ask<T>(message: object): Promise<T> {
    this.#process.send(message);
    return this.next<T>();
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.kill();
    await exited;
  }
}

/** A broker with a store. */
export class Server extends Child {
  port = 0;

  static async start(name: 'emulator' | 'aedes', ...parameters: string[]): Promise<Server> {
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

/** One of the ways to talk to the store. */
export class ContenderProcess extends Child {
  readonly name: string;
  #cleanUp: () => void = () => undefined;

  private constructor(name: string, child: ChildProcess) {
    super(child);
    this.name = name;
  }

  /** A program of the folder `contenders`. */
  static async start(name: 'client' | 'plain' | 'floor', port: number): Promise<ContenderProcess> {
    const contender = new ContenderProcess(name, fork(join(__dirname, 'contenders', name), [String(port)]));
    await contender.next();
    return contender;
  }

  /** A Node-RED with these flows, whose `bench-driver` does the measuring. */
  static async startFlow(name: string, flows: object[]): Promise<ContenderProcess> {
    const userDir = mkdtempSync(join(tmpdir(), 'bench-'));
    prepare(userDir, flows);
    const red = join(ROOT, 'node_modules', 'node-red', 'red.js');
    const child = fork(red, ['--userDir', userDir, '--settings', join(userDir, 'settings.js')], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const contender = new ContenderProcess(name, child);
    contender.#cleanUp = () => rmSync(userDir, { recursive: true, force: true });
    await contender.next();
    return contender;
  }

  async measure(job: Job): Promise<Measurement> {
    const reply = await this.ask<Reply>(job);
    if ('measurement' in reply) return reply.measurement;
    throw new Error(`${this.name}: ${JSON.stringify(reply)}`);
  }

  override async stop(): Promise<void> {
    await super.stop();
    this.#cleanUp();
  }
}

/** A user directory with this package, the driver and the flows. */
function prepare(userDir: string, flows: object[]): void {
  const installed = join(userDir, 'node_modules', '@edgestate', 'node-red-statestore');
  mkdirSync(dirname(installed), { recursive: true });
  symlinkSync(ROOT, installed, 'junction');
  const nodes = join(userDir, 'nodes');
  mkdirSync(nodes);
  const driver = JSON.stringify(join(__dirname, 'contenders', 'driver-node'));
  writeFileSync(join(nodes, 'bench-driver.js'), `module.exports = require(${driver});`);
  writeFileSync(
    join(nodes, 'bench-driver.html'),
    '<script type="text/javascript">RED.nodes.registerType("bench-driver", { inputs: 1, outputs: 2, defaults: {} });</script>',
  );
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flows));
  writeFileSync(
    join(userDir, 'settings.js'),
    'module.exports = { flowFile: "flows.json", httpAdminRoot: false, httpNodeRoot: false, uiPort: 0, telemetry: { enabled: false }, credentialSecret: "bench" };',
  );
}
