/** SET, GET, DEL and VDEL with their options. */
import { setTimeout as pause } from 'node:timers/promises';
import { compareHlc, MAX_SKEW_MS, parseHlc } from '../../protocol/hlc';
import { Difference, expect } from './outcome';
import type { Point } from './point';

const EXPIRY_MS = 1000;
/** How much later than asked a key may expire. */
const EXPIRY_PATIENCE_MS = 5000;
const POLL_MS = 100;
/** Bytes that are not UTF-8, with line breaks. */
const BYTES = Buffer.from([0, 0xff, 0x0d, 0x0a, 0x24, 0x80]);
/** Writes to one key without waiting for responses. */
const BURST = 100;

export const writing: readonly Point[] = [
  {
    id: 'set-get',
    title: 'SET and GET',
    async check({ store, key }) {
      const name = key('set-get');
      const before = await store.get(name);
      expect(!before.found, 'GET found a key that was never set');
      for (const value of [BYTES, Buffer.alloc(0)]) {
        const { stored } = await store.set(name, value);
        expect(stored, 'SET without a condition did not store the value');
        const got = await store.get(name);
        expect(got.found, 'GET did not find a key that was set');
        expect(got.value.equals(value), `GET returned ${got.value.length} other bytes than SET stored`);
      }
      for (const other of [key('set-get/Ü'), key('set-get/ü'), key('set-get/')])
        await store.set(other, other);
      for (const other of [key('set-get/Ü'), key('set-get/ü'), key('set-get/')]) {
        const got = await store.get(other);
        expect(
          got.found && got.value.toString() === other,
          `GET returned the value of another key for ${other}`,
        );
      }
      return 'with binary, empty and missing values, and keys of any characters';
    },
  },
  {
    id: 'versions',
    title: 'Versions grow with each SET',
    async check({ store, key }) {
      const name = key('versions');
      const first = versionOf(await store.set(name, '1'), 'SET');
      const second = versionOf(await store.set(name, '2'), 'SET');
      expect(compareHlc(second, first) > 0, 'the second SET has a version that is not newer');
      const got = versionOf(await store.get(name), 'GET');
      expect(compareHlc(got, second) === 0, 'GET returned another version than SET');
      return '';
    },
  },
  {
    id: 'clock',
    title: 'Clocks are synchronized',
    async check({ store, key }) {
      const sent = Date.now();
      const { wallClockMs } = versionOf(await store.set(key('clock'), '1'), 'SET');
      const ahead = wallClockMs - Date.now();
      expect(
        Math.abs(ahead) < MAX_SKEW_MS + (Date.now() - sent),
        `the clock of the store is ${Math.round(ahead / 1000)} s ahead of the clock of this computer`,
      );
      return `the store is ${Math.max(0, ahead)} ms ahead of this computer`;
    },
  },
  {
    id: 'order',
    title: 'Requests keep their order',
    async check({ store, key }) {
      const name = key('order');
      const all = Array.from({ length: BURST }, (_none, i) => store.set(name, String(i)));
      const versions = (await Promise.all(all)).map((one) => versionOf(one, 'SET'));
      const wrong = versions.findIndex((one, i) => {
        const before = versions[i - 1];
        return before !== undefined && compareHlc(one, before) <= 0;
      });
      expect(
        wrong < 0,
        `request ${wrong + 1} of ${BURST} has a version that is not newer than the one before`,
      );
      const got = await store.get(name);
      expect(
        got.found && got.value.toString() === String(BURST - 1),
        'the last SET is not the value of the key',
      );
      return `${BURST} requests in flight`;
    },
  },
  {
    id: 'nx',
    title: 'SET NX',
    async check({ store, key }) {
      const name = key('nx');
      const first = await store.set(name, '1', { condition: 'NX' });
      expect(first.stored, 'NX did not store a new key');
      const second = await store.set(name, '1', { condition: 'NX' });
      expect(!second.stored, 'NX stored a key that exists');
      return '';
    },
  },
  {
    id: 'nex',
    title: 'SET NEX',
    async check({ store, key }) {
      const name = key('nex');
      const first = await store.set(name, '1', { condition: 'NEX' });
      expect(first.stored, 'NEX did not store a new key');
      const same = await store.set(name, '1', { condition: 'NEX' });
      expect(same.stored, 'NEX did not store the value that the key has');
      const other = await store.set(name, '2', { condition: 'NEX' });
      expect(!other.stored, 'NEX replaced another value');
      return '';
    },
  },
  {
    id: 'px',
    title: 'SET PX (expiry)',
    async check({ store, key }) {
      const [name, kept] = [key('px'), key('px-replaced')];
      await store.set(kept, '1', { expiry: EXPIRY_MS });
      await store.set(kept, '2');
      const begin = performance.now();
      await store.set(name, '1', { expiry: EXPIRY_MS });
      for (;;) {
        const asked = performance.now() - begin;
        const got = await store.get(name);
        const answered = performance.now() - begin;
        if (!got.found) {
          expect((await store.get(kept)).found, 'a SET without PX did not end the expiry of its key');
          expect(answered >= EXPIRY_MS, `the key expired after ${Math.round(answered)} of ${EXPIRY_MS} ms`);
          return `gone after ${Math.round(answered)} of ${EXPIRY_MS} ms`;
        }
        if (asked > EXPIRY_MS + EXPIRY_PATIENCE_MS)
          throw new Difference(`the key is there ${Math.round(asked)} ms after a SET with PX ${EXPIRY_MS}`);
        await pause(POLL_MS);
      }
    },
  },
  {
    id: 'persist',
    title: 'The property that asks for persistence',
    async check({ store, key }) {
      const { stored } = await store.set(key('persist'), '1', { persist: true });
      expect(stored, 'SET with the property did not store the value');
      return 'accepted; a client cannot see whether the broker keeps the key on disk';
    },
  },
  {
    id: 'del',
    title: 'DEL',
    async check({ store, key }) {
      const name = key('del');
      await store.set(name, '1');
      expect((await store.delete(name)).deleted, 'DEL did not delete a key that exists');
      expect(!(await store.get(name)).found, 'GET found a key after DEL');
      expect(!(await store.delete(name)).found, 'DEL found a key that was deleted');
      return '';
    },
  },
  {
    id: 'vdel',
    title: 'VDEL',
    async check({ store, key }) {
      const name = key('vdel');
      await store.set(name, '1');
      const other = await store.deleteIfValue(name, '2');
      expect(!other.deleted && other.found, 'VDEL deleted a key with another value');
      expect((await store.get(name)).found, 'the key is gone after VDEL with another value');
      expect((await store.deleteIfValue(name, '1')).deleted, 'VDEL did not delete a key with this value');
      expect(!(await store.get(name)).found, 'GET found a key after VDEL');
      return '';
    },
  },
];

function versionOf(result: object, verb: string) {
  const version = 'version' in result && typeof result.version === 'string' ? result.version : undefined;
  expect(version !== undefined, `${verb} returned no version`);
  const parsed = parseHlc(version);
  expect(
    parsed !== undefined,
    `${verb} returned the version ${version}, which is not a hybrid logical clock`,
  );
  return parsed;
}
