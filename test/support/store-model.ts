import fc from 'fast-check';
import type { SetCondition } from '../../src/protocol/commands';
import { serviceErrorText } from '../../src/protocol/errors';
import { formatHlc } from '../../src/protocol/hlc';
import { plain } from './arbitraries';

export const START = 1_700_000_000_000;
const KEYS = ['a', 'b', 'c'];
const VALUES = ['', '1', '2'];
export const CLIENTS = ['x', 'y'];

export type Step =
  | {
      do: 'set';
      key: string;
      value: string;
      condition?: SetCondition;
      expiryMs?: number;
      fence?: number;
      client: string;
    }
  | { do: 'get'; key: string; client: string }
  | { do: 'delete'; key: string; value?: string; fence?: number; client: string }
  | { do: 'observe'; key: string; stop: boolean; client: string }
  | { do: 'leave'; client: string }
  | { do: 'wait'; ms: number };

const key = fc.constantFrom(...KEYS);
const value = fc.constantFrom(...VALUES);
const client = fc.constantFrom(...CLIENTS);
const fence = fc.integer({ min: 0, max: 3 });
export const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record(
    {
      do: fc.constant('set' as const),
      ...{ key, value, client, fence, condition: fc.constantFrom('NX' as const, 'NEX' as const) },
      expiryMs: fc.integer({ min: 1, max: 30 }),
    },
    { requiredKeys: ['do', 'key', 'value', 'client'], ...plain },
  ),
  fc.record({ do: fc.constant('get' as const), key, client }, plain),
  fc.record(
    { do: fc.constant('delete' as const), key, client, value, fence },
    { requiredKeys: ['do', 'key', 'client'], ...plain },
  ),
  fc.record({ do: fc.constant('observe' as const), key, client, stop: fc.boolean() }, plain),
  fc.record({ do: fc.constant('leave' as const), client }, plain),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20 }) }, plain),
);

/** The state store as a person would describe it: a map, and who looks at what. */
export class Model {
  now = START;
  readonly entries = new Map<string, { value: string; fence: number | undefined; expiresAt: number }>();
  readonly observers = new Set<string>();
  told: string[] = [];

  expire(): void {
    const due = [...this.entries].filter(([, { expiresAt }]) => expiresAt <= this.now);
    for (const [name] of due.sort(([, a], [, b]) => a.expiresAt - b.expiresAt)) {
      this.entries.delete(name);
      this.tell(name, 'DELETE');
    }
  }

  tell(name: string, what: string): void {
    for (const one of CLIENTS)
      if (this.observers.has(`${one} ${name}`)) this.told.push(`${one} ${name} ${what}`);
  }

  refusal(name: string, token: number | undefined): string | undefined {
    const mark = this.entries.get(name)?.fence;
    if (mark === undefined) return undefined;
    if (token === undefined) return `-ERR ${serviceErrorText('FENCING_TOKEN_REQUIRED')}\r\n`;
    return token < mark ? `-ERR ${serviceErrorText('FENCING_TOKEN_LOWER_VERSION')}\r\n` : undefined;
  }

  run(one: Step): string {
    if (one.do === 'wait') {
      this.now += one.ms;
      return '';
    }
    this.expire();
    switch (one.do) {
      case 'leave':
        for (const name of KEYS) this.observers.delete(`${one.client} ${name}`);
        return '';
      case 'get': {
        const entry = this.entries.get(one.key);
        return entry ? `$${entry.value.length}\r\n${entry.value}\r\n` : '$-1\r\n';
      }
      case 'observe': {
        const name = `${one.client} ${one.key}`;
        const changes = this.observers.has(name) === one.stop;
        if (one.stop) this.observers.delete(name);
        else this.observers.add(name);
        return changes ? '+OK\r\n' : ':0\r\n';
      }
      case 'set': {
        const refusal = this.refusal(one.key, one.fence);
        if (refusal) return refusal;
        const old = this.entries.get(one.key);
        if (old && (one.condition === 'NX' || (one.condition === 'NEX' && old.value !== one.value)))
          return ':-1\r\n';
        this.entries.set(one.key, {
          value: one.value,
          fence: one.fence,
          expiresAt: one.expiryMs === undefined ? Number.POSITIVE_INFINITY : this.now + one.expiryMs,
        });
        this.tell(one.key, `SET ${one.value}`);
        return '+OK\r\n';
      }
      case 'delete': {
        const old = this.entries.get(one.key);
        if (!old) return ':0\r\n';
        const refusal = this.refusal(one.key, one.fence);
        if (refusal) return refusal;
        if (one.value !== undefined && old.value !== one.value) return ':-1\r\n';
        this.entries.delete(one.key);
        this.tell(one.key, 'DELETE');
        return ':1\r\n';
      }
    }
  }
}

/** A timestamp of `ms`; also the fencing tokens of the model, as `START + fence`. */
export const stamp = (ms: number): string => formatHlc({ wallClockMs: ms, counter: 0, nodeId: 'test' });
