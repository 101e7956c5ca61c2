/** A candidate in a process of its own, behind a proxy of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FaultProxy } from '../support/fault-proxy';
import type { CandidateOptions, Report, Trouble } from './candidate';
import type { Counted } from './counter';
import { type Reign, Reigns } from './reigns';

export class CandidateProcess {
  readonly name: string;
  readonly proxy: FaultProxy;
  readonly reigns: Reign[] = [];
  /** Updates that were reported as applied. */
  readonly counted: Counted[] = [];
  acts = 0;
  /** Of the process that runs, in milliseconds. */
  lease = 0;
  /** When it acted last, in nanoseconds. */
  lastAct = 0n;
  readonly #options: Omit<CandidateOptions, 'port' | 'name' | 'lease'>;
  #child: ChildProcess | undefined;

  constructor(name: string, proxy: FaultProxy, options: Omit<CandidateOptions, 'port' | 'name' | 'lease'>) {
    this.name = name;
    this.proxy = proxy;
    this.#options = options;
  }

  /** Resolves when it is connected for the first time: it notices a later loss of the store's memory. */
  async start(lease: number): Promise<void> {
    this.lease = lease;
    const { name, proxy } = this;
    const options: CandidateOptions = { ...this.#options, name, lease, port: proxy.port };
    const child = fork(join(__dirname, 'candidate.js'), [JSON.stringify(options)]);
    this.#child = child;
    const reigns = new Reigns(name, lease, this.reigns);
    await new Promise<void>((resolve) => {
      child.on('message', (report: Report) => {
        if (report === 'connected') {
          resolve();
        } else if (report.kind === 'act') {
          this.acts++;
          this.lastAct = BigInt(report.at);
          reigns.add({ ...report, at: this.lastAct });
        } else this.counted.push(report);
      });
    });
  }

  trouble(trouble: Trouble): void {
    this.#child?.send(trouble);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
