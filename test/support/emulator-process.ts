/** An emulator as a process of its own, which can be killed and frozen. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Rejection } from './emulator-child';

const CHILD = join(__dirname, 'emulator-child.js');

/** The ways an emulator may treat a request that comes twice. */
export const REPEATS = ['executed', 'recognised'] as const;
export type Repeats = (typeof REPEATS)[number];

export class EmulatorProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #onExit = () => this.#child.kill('SIGKILL');

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.#exited = once(child, 'exit');
    process.once('exit', this.#onExit);
  }

  /** With a `file`, it keeps its keys there. */
  static async start(repeats: Repeats, file?: string): Promise<EmulatorProcess> {
    const child = fork(CHILD, [repeats, ...(file === undefined ? [] : [file])]);
    const [{ port }] = await once(child, 'message');
    return new EmulatorProcess(child, port);
  }

  /** True if it ended, with or without a signal. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Rejects publishes for a while, as a broker without room does. */
  reject(rejection: Rejection): void {
    this.#child.send(rejection);
  }

  /** Freezes the process until {@link thaw}. Connections stay open. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** Ends at once, and everything in it is lost. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
    process.off('exit', this.#onExit);
  }
}
