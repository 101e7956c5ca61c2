/** A real Node-RED in a process of its own, with an empty user directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './ports';

export const ROOT = join(__dirname, '..', '..', '..');

/** What Node-RED says when the flows run, in the languages of this package. */
const STARTED = /Started flows|Flows sind gestartet|フローを開始しました|流程已启动/;

export interface NodeRedOptions {
  /** The Node.js that runs it. */
  node?: string;
  /** Folder whose `node_modules` has `node-red`. */
  from?: string;
  /** A user directory where the package is installed already; otherwise a new one is made, with a link to this package. */
  userDir?: string;
  /** More variables for its environment. */
  env?: Record<string, string>;
  /** More settings for Node-RED. */
  settings?: Record<string, unknown>;
  /** The setting `contextStorage`, which needs functions: the source text of an object. */
  contextStorage?: string;
  /** The setting `functionGlobalContext`: the source text of an object. */
  functionGlobalContext?: string;
  /** The setting `storageModule`: the source text of an expression. */
  storageModule?: string;
  /** Folders of more modules of nodes, for a user directory without them. */
  modules?: readonly string[];
  /** Whether to resolve when the process listens, without waiting for flows. */
  withoutFlows?: boolean;
}

/** A line that does not come in this time does not come. Less than the timeout of a test, so that the error says which line. */
const PATIENCE_MS = 120_000;

/** A process whose output is kept and can be awaited line by line. */
export class Lines extends EventEmitter<{ line: [] }> {
  readonly all: string[] = [];
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    super();
    this.setMaxListeners(0);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.all.push(line);
        this.emit('line');
      });
    }
    child.once('exit', () => this.emit('line'));
  }

  /** The first line from `after` on that matches; fails when the process ends without it, or after two minutes. */
  async find(pattern: RegExp, after = 0): Promise<string> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const found = this.all.slice(after).find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const { exitCode, signalCode } = this.#child;
      const ended = exitCode !== null || signalCode !== null;
      if (ended || signal.aborted) {
        const problem = ended ? 'the process ended without' : `in ${PATIENCE_MS / 1000} s no line matched`;
        throw new Error(`${problem} ${pattern}:\n${this.all.slice(-20).join('\n')}`);
      }
      await once(this, 'line', { signal }).catch(() => undefined);
    }
  }
}

export class NodeRed {
  readonly base: string;
  /** Of the process that runs, or ran last. */
  lines: Lines;
  #child: ChildProcess;
  readonly #start: () => ChildProcess;
  readonly #cleanUp: () => void;
  readonly #withoutFlows: boolean;

  private constructor(base: string, start: () => ChildProcess, cleanUp: () => void, withoutFlows: boolean) {
    this.base = base;
    this.#start = start;
    this.#child = start();
    this.lines = new Lines(this.#child);
    this.#cleanUp = cleanUp;
    this.#withoutFlows = withoutFlows;
  }

  static async start({
    node = process.execPath,
    from = ROOT,
    userDir,
    env,
    settings: more,
    contextStorage,
    storageModule,
    functionGlobalContext,
    modules = [],
    withoutFlows = false,
  }: NodeRedOptions = {}): Promise<NodeRed> {
    const directory = userDir ?? newUserDir();
    for (const module of modules) linkModule(directory, module);
    const port = await freePort();
    const settings = join(directory, 'settings.js');
    writeFileSync(
      settings,
      `module.exports = ${JSON.stringify({
        uiHost: '127.0.0.1',
        uiPort: port,
        credentialSecret: 'test',
        telemetry: { enabled: false },
        editorTheme: { tours: false },
        ...more,
      })};
      ${contextStorage ? `module.exports.contextStorage = ${contextStorage};` : ''}
      ${functionGlobalContext ? `module.exports.functionGlobalContext = ${functionGlobalContext};` : ''}
      ${storageModule ? `module.exports.storageModule = ${storageModule};` : ''}`,
    );
    const red = join(from, 'node_modules', 'node-red', 'red.js');
    const start = () =>
      spawn(node, [red, '--userDir', directory, '--settings', settings], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, PORT: String(port), ...env },
      });
    const cleanUp = () => userDir ?? rmSync(directory, { recursive: true, force: true });
    const nodeRed = new NodeRed(`http://127.0.0.1:${port}`, start, cleanUp, withoutFlows);
    await nodeRed.#started();
    return nodeRed;
  }

  /** Starts a Node-RED that must not start. Returns its output on one line; fails if the process ends with exit code 0. */
  static async fail(options: NodeRedOptions): Promise<string> {
    const started = NodeRed.start(options).then(async (nodeRed) => {
      await nodeRed.stop();
      throw new Error('Node-RED started');
    });
    return started.catch((error: Error) => {
      if (!/the process ended without/.test(error.message)) throw error;
      return error.message.replace(/\s+/g, ' ');
    });
  }

  async #started(): Promise<void> {
    await this.lines.find(new RegExp(`${this.base.replace('http:', '').replaceAll('.', '\\.')}`));
    if (!this.#withoutFlows) await this.lines.find(STARTED);
  }

  /** Calls the admin API; fails on any status but success. */
  async api<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await fetch(this.base + path, {
      method,
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    const text = await response.text();
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** Deploys these flows; resolves when they have started. */
  async deploy(flows: unknown[], type = 'full'): Promise<void> {
    const after = this.lines.all.length;
    await this.api('POST', '/flows', flows, { 'Node-RED-Deployment-Type': type });
    await this.lines.find(/Started (modified )?(flows|nodes)/, after);
  }

  /** Presses the button of an inject node. */
  async inject(id: string): Promise<void> {
    const response = await fetch(`${this.base}/inject/${id}`, { method: 'POST' });
    if (!response.ok) throw new Error(`inject ${id}: ${response.status}`);
  }

  /** CPU time of the process so far, user and system, in milliseconds; on Linux. */
  get cpuTime(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** Ends the process and keeps its user directory; resolves when it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    const exited = exitCode === null && signalCode === null ? once(this.#child, 'exit') : undefined;
    this.#child.kill(signal);
    await exited;
  }

  /** Starts it once more after its {@link end}, at the same address. */
  async again(): Promise<void> {
    this.#child = this.#start();
    this.lines = new Lines(this.#child);
    await this.#started();
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    this.#cleanUp();
  }
}

/** A new user directory with a link to this package. Its package.json ends Node.js's search for the package that a file belongs to. */
export function newUserDir(): string {
  const directory = mkdtempSync(join(tmpdir(), 'node-red-'));
  writeFileSync(join(directory, 'package.json'), '{ "name": "node-red-project", "private": true }');
  linkModule(directory, ROOT);
  return directory;
}

/** Makes the module in a folder one of a user directory, unless it has it already. */
function linkModule(userDir: string, folder: string): void {
  const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string };
  const installed = join(userDir, 'node_modules', name);
  if (existsSync(installed)) return;
  mkdirSync(dirname(installed), { recursive: true });
  symlinkSync(folder, installed, 'junction');
}
