/** Example 08 on two computers: two Node-RED processes, each with one of the two controllers. */
import { EventEmitter, once } from 'node:events';
import { rmSync } from 'node:fs';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { type FlowNode, loadExample } from './examples';
import { NodeRed, newUserDir } from './node-red';

/** How the active controller ends. */
export const ENDS = ['resign', 'deploy', 'SIGTERM', 'SIGKILL'] as const;
export type End = (typeof ENDS)[number];

const EXAMPLE = '08 Active and standby';
/** How often a controller acts, in seconds, so that it can be seen when. */
const PERIOD = '0.01';

/** One controller. The IDs of its nodes contain `digit`. */
class Controller {
  readonly letter: string;
  readonly #digit: string;
  readonly #userDir = newUserDir();
  #nodeRed: NodeRed | undefined;

  constructor(letter: string, digit: string) {
    this.letter = letter;
    this.#digit = digit;
  }

  get nodeRed(): NodeRed {
    return this.#nodeRed as NodeRed;
  }

  async start(): Promise<void> {
    this.#nodeRed = await NodeRed.start({ userDir: this.#userDir });
  }

  async deploy(port: number, lease: number): Promise<void> {
    const nodes = loadExample(EXAMPLE, port).filter(
      ({ id, type }) =>
        ['tab', 'statestore-config'].includes(type) || id.startsWith(`5e1a8000000000${this.#digit}`),
    );
    const more: Record<string, object> = {
      inject: { repeat: PERIOD },
      debug: { active: false },
      'statestore-leader': { lease },
    };
    const changed = nodes.map((node): FlowNode => {
      const isOnce = node.type === 'inject' && node.repeat === '';
      return { ...node, ...(isOnce ? {} : more[node.type]) };
    });
    await this.nodeRed.deploy(changed);
  }

  async resign(): Promise<void> {
    await this.nodeRed.inject(`5e1a8000000000${this.#digit}8`);
  }

  async remove(): Promise<void> {
    await this.#nodeRed?.end('SIGKILL');
    rmSync(this.#userDir, { recursive: true, force: true });
  }
}

export class Controllers extends EventEmitter<{ act: [] }> {
  readonly #lease: number;
  readonly #emulator: Emulator;
  readonly #store: StateStoreClient;
  readonly #both = [new Controller('A', '1'), new Controller('B', '2')];
  /** Who has the role, since which version. */
  #holder = '';
  #since: string | undefined;
  /** Versions of what the present holder did. */
  #acted = false;

  private constructor(lease: number, emulator: Emulator) {
    super();
    this.#lease = lease;
    this.#emulator = emulator;
    this.#store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  }

  /** `lease` in seconds. Resolves when one is active and the other is on standby. */
  static async start(lease: number): Promise<Controllers> {
    const emulator = await Emulator.start({ port: 0 });
    const controllers = new Controllers(lease, emulator);
    await controllers.#watch();
    for (const one of controllers.#both) {
      await one.start();
      await one.deploy(emulator.port, lease);
      await one.nodeRed.lines.find(/ (Active|On standby) for the role /);
    }
    return controllers;
  }

  /** Ends the active controller and starts it again. Resolves with the milliseconds until one acted under a new term of the role. */
  async end(how: End): Promise<number> {
    const active = this.#both.find(({ letter }) => this.#holder.startsWith(`${letter}:`));
    if (!active) throw new Error(`nobody is active: ${this.#holder}`);
    const before = this.#holder;
    const logged = active.nodeRed.lines.all.length;
    const begin = performance.now();
    const ended = this.#begin(active, how);
    while (this.#holder === before || !this.#acted) await once(this, 'act');
    const took = performance.now() - begin;
    await ended;
    const isNew = how === 'SIGTERM' || how === 'SIGKILL';
    if (isNew) await active.start();
    await active.nodeRed.lines.find(
      / (Active for the role |On standby for the role \S+ Active: )/,
      isNew ? 0 : logged,
    );
    return took;
  }

  #begin(active: Controller, how: End): Promise<void> {
    switch (how) {
      case 'resign':
        return active.resign();
      case 'deploy':
        return active.deploy(this.#emulator.port, this.#lease);
      default:
        return active.nodeRed.end(how);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#both.map((one) => one.remove()));
    await this.#store.close();
    await this.#emulator.close();
  }

  async #watch(): Promise<void> {
    await this.#store.observe('demo/pump', (change) => {
      if (change.operation !== 'set' || change.value.toString() === this.#holder) return;
      this.#holder = change.value.toString();
      this.#since = change.version;
      this.#acted = false;
    });
    await this.#store.observe('demo/pump/speed', ({ version }) => {
      // Messages of the previous instance may still arrive.
      if (this.#acted || !version || !this.#since) return;
      this.#acted = compareHlc(parseHlc(version) as Hlc, parseHlc(this.#since) as Hlc) > 0;
      if (this.#acted) this.emit('act');
    });
  }
}

/** Median and worst in words. */
export function summary(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] as number);
  return `p50 ${at(0.5)} ms, worst ${at(1)} ms`;
}
