import type { Node, NodeAPI } from 'node-red';
import { RulesError } from '../../emulator/access/rules';
import { TlsFilesError } from '../../emulator/access/tls-files';
import type { Emulator } from '../../emulator/broker';
import { StoreFileError } from '../../emulator/file/store-file';
import { Throttle } from '../words/throttle';
import { type EmulatorAddress, grantsNoKey, OtherSettingsError } from './emulators';

/** What an emulator node shows: clients and keys, or why it does not run. */
export class EmulatorStatus {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #address: EmulatorAddress;
  readonly #throttle = new Throttle(() => this.#show());
  readonly #onChange = () => this.#throttle.call();
  #emulator: Emulator | undefined;
  #stopped = false;
  #shown = '';

  constructor(RED: NodeAPI, node: Node, address: EmulatorAddress) {
    this.#RED = RED;
    this.#node = node;
    this.#address = address;
  }

  running(emulator: Emulator): void {
    if (this.#stopped) return;
    this.#emulator = emulator;
    emulator.on('change', this.#onChange);
    emulator.once('fault', (error) => this.failed(error));
    this.#throttle.call();
    const { file } = emulator;
    if (file?.damage) this.#node.warn(this.#text('warning.damaged', { file: file.path, ...file.damage }));
    if (grantsNoKey(emulator)) this.#node.warn(this.#text('warning.noKey', {}));
  }

  /** The emulator could not be started or shared. An `error` from outside is an error of Node.js. The same error is reported once. */
  failed(error: NodeJS.ErrnoException): void {
    const values = { ...this.#address, reason: error.message };
    const known = this.#kind(error);
    const text = this.#text(`status.${known}`, values);
    if (this.#stopped || text === this.#shown) return;
    this.#shown = text;
    this.#node.status({ fill: 'red', shape: 'ring', text });
    this.#node.error(this.#text(`error.${known}`, values), {});
  }

  /** Which of the texts belongs to the error. */
  #kind(error: NodeJS.ErrnoException): string {
    if (error instanceof OtherSettingsError) return 'otherRules';
    if (error instanceof TlsFilesError) return 'tls';
    if (error instanceof StoreFileError) return 'file';
    if (error instanceof RulesError || error.syscall === 'open') return 'rules';
    return ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].find((code) => code === error.code) ?? 'other';
  }

  stop(): void {
    this.#stopped = true;
    this.#throttle.stop();
    this.#emulator?.off('change', this.#onChange);
    this.#node.status({});
  }

  #show(): void {
    const { clients = 0, keys = 0 } = this.#emulator ?? {};
    const text = this.#text('status.running', {
      clients: this.#count(clients, 'client'),
      keys: this.#count(keys, 'key'),
    });
    if (text === this.#shown) return;
    this.#shown = text;
    this.#node.status({ fill: 'green', shape: 'dot', text });
  }

  /** "1 key", "12k keys". */
  #count(count: number, noun: 'client' | 'key'): string {
    return this.#text(`count.${noun}${count === 1 ? '' : 's'}`, { count: short(count) });
  }

  #text(key: string, values: Record<string, string | number>): string {
    return this.#RED._(`statestore-emulator.${key}`, values);
  }
}

/** Large numbers in few characters: 12345 is "12k". */
function short(count: number): string {
  return Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 0 }).format(count);
}
