/** The page of limits has the numbers of the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_PAGES } from '../../browser/sidebar/listing';
import { resolveClientOptions } from '../../src/client/options';
import { resolveContextOptions } from '../../src/context/options';
import { DEFAULT_LEASE_MS } from '../../src/coordination/durations';
import { MAX_WAITING_BYTES } from '../../src/emulator/mqtt/connection';
import { MAX_RETAINED, MAX_RETAINED_BYTES } from '../../src/emulator/mqtt/retained';
import { DEFAULT_EMULATOR_PORT, DEFAULT_MAXIMUM_PACKET_SIZE } from '../../src/emulator/options';
import { MAX_REPEATS } from '../../src/emulator/store/repeats';
import { MAX_PAGE_KEYS } from '../../src/emulator/store/scan';
import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS } from '../../src/mqtt/backoff';
import { PAGE } from '../../src/node-red/sidebar/key-pages';
import { MAX_KEY_BYTES, MAX_WRITTEN_BYTES } from '../../src/node-red/sidebar/keys-and-values';
import { MAX_VISIBLE } from '../../src/node-red/sidebar/watch';
import { MAX_SKEW_MS } from '../../src/protocol/hlc';
import { MAX_OBSERVED_KEY_BYTES } from '../../src/protocol/topics';
import { ROOT } from '../support/node-red';

const MIB = 2 ** 20;

/** The number after `name` in a source file: `NAME = 1_000`, `name: 10` or `name = 16 * 1024`. */
function constant(file: string, name: string): number {
  const source = readFileSync(join(ROOT, 'src', file), 'utf8');
  const text = new RegExp(`\\b${name}\\b[ =:]+(\\d[\\d_. *]*)`).exec(source)?.[1];
  assert.ok(text, `${file} has no number ${name}`);
  return text
    .split('*')
    .map((factor) => Number(factor.replaceAll('_', '')))
    .reduce((product, factor) => product * factor);
}

/** The default and the range of a duration in the settings of a node. */
function duration(file: string, name: string): string[] {
  const source = readFileSync(join(ROOT, 'src/node-red/behaviour', file), 'utf8');
  const found = new RegExp(`${name} = \\{ blank: (\\S+), least: (\\S+), most: (\\S+) \\}`).exec(source);
  assert.ok(found, `${file} has no ${name}`);
  const [blank, least, most] = found.slice(1).map((text) => Number(text.replaceAll('_', '')));
  return [`${blank} s`, `${least} to ${most} s`];
}

const s = (ms: number) => `${ms / 1000} s`;
const mib = (bytes: number) => `${bytes / MIB} MiB`;

function facts(): Record<string, string[]> {
  const client = resolveClientOptions({ host: 'localhost' });
  const context = resolveContextOptions({ host: 'localhost' });
  const watches = (name: string) => constant('node-red/sidebar/watches.ts', name);
  const news = (name: string) => constant('node-red/sidebar/news.ts', name);
  const usual = constant('node-red/message/key-pattern.ts', 'USUAL_LIMIT');
  return {
    'Timeout of a request': [s(client.timeout), 'from 1 ms'],
    'Requests in flight': [`${client.inFlightLimit}`, '1 to 65535, less if the broker allows less'],
    'Requests that wait': [`${client.queueLimit}`, 'from 1'],
    'Bytes of requests that wait': [mib(client.queueByteLimit), 'from 1 byte'],
    'Keep alive': [`${client.keepAlive} s`, '0 to 65535 s'],
    'Session expiry': [`${client.sessionExpiry} s`, '0 to 4294967295 s'],
    'Attempt to connect': [s(client.connectTimeout), 'from 1 ms'],
    'Timeout of a lock node': duration('lock-node.ts', 'WAIT_SECONDS'),
    'Max. hold time of a lock node': duration('lock-node.ts', 'LIMIT_SECONDS'),
    'Lease of a lock node': duration('lock-node.ts', 'LEASE_SECONDS'),
    'Lease of an active / standby node': duration('leader-node.ts', 'LEASE_SECONDS'),
    'Lease of an update node': [
      s(DEFAULT_LEASE_MS),
      `${constant('node-red/behaviour/update-node.ts', 'min')} to ${constant('node-red/behaviour/update-node.ts', 'max')} s`,
    ],
    'Waiters for one lock in the list of turns': [
      `${constant('coordination/turns.ts', 'MAX_WAITERS')}`,
      'fixed',
    ],
    'First pause before a new attempt': [`${FIRST_PAUSE_MS} ms`],
    'Longest pause before a new attempt': [s(LONGEST_PAUSE_MS)],
    'Clock difference to the broker that is accepted': [s(MAX_SKEW_MS)],
    'Question for the state store, if a broker does not have one': [
      `every ${s(constant('node-red/store/store-presence.ts', 'PAUSE_MS'))}`,
    ],
    'Port of the emulator': [`${DEFAULT_EMULATOR_PORT}`],
    'Key that can be observed': [`${MAX_OBSERVED_KEY_BYTES} bytes`],
    Value: [`the largest packet of the broker. Emulator: ${mib(DEFAULT_MAXIMUM_PACKET_SIZE)}`],
    'Keys of a pattern in one message': [
      `${usual} (*Max. keys*), up to ${constant('node-red/message/key-pattern.ts', 'MAX_LIMIT')}`,
    ],
    'Keys of a page of SCAN at the emulator': [`${MAX_PAGE_KEYS}`],
    'Context: prefix': [`\`${context.prefix}\``],
    'Context: start waits for the store': [s(context.startTimeout)],
    'Context: time until a write fails': [s(resolveClientOptions(context.client).timeout)],
    'Context: deleted keys that are remembered': [`${constant('context/deleted-keys.ts', 'MAX_DELETES')}`],
    'Flows: versions that are kept': [`${constant('storage/options.ts', 'versions')}`],
    'Flows: largest size': [mib(constant('storage/options.ts', 'maxBytes'))],
    'Flows: start waits for the store': [s(constant('storage/options.ts', 'startTimeout'))],
    'Values in the list': [`first ${news('MAX_VALUE_BYTES') / 1024} KiB`],
    'Value that can be shown or set': [mib(MAX_WRITTEN_BYTES)],
    'Key that can be shown or set': [`${MAX_KEY_BYTES} bytes`],
    'Keys that are observed at the same time': [`${MAX_VISIBLE}`],
    'Keys of a page in the list': [`${PAGE}`],
    'Keys in the list of a store that is not an emulator': [`${PAGE * MAX_PAGES}`],
    'Open tabs': [`${watches('MAX_WATCHES')}, of which ${watches('MAX_WATCHES_OF_USER')} of one user`],
    Updates: [`one every ${s(news('PERIOD_MS'))}`],
    Packet: [mib(DEFAULT_MAXIMUM_PACKET_SIZE)],
    'Retained messages': [`${MAX_RETAINED}`],
    'Bytes of retained messages': [mib(MAX_RETAINED_BYTES)],
    'Bytes that wait for one client': [mib(MAX_WAITING_BYTES)],
    'Repeated requests that are recognised': [`${MAX_REPEATS}`],
  };
}

describe('The page of limits and defaults', () => {
  it('has every number as the code has it', () => {
    const rows = readFileSync(join(ROOT, 'docs', 'limits.md'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (setting|value) /.test(line))
      .map((line) => line.slice(2, -2).split(' | '));
    assert.deepEqual(
      rows.map(([name, ...texts]) => [name, texts]),
      Object.entries(facts()),
    );
  });
});
