/** Fencing tokens. */
import { expect, refusalOf } from './outcome';
import type { Point } from './point';
import type { Scratch } from './scratch';

export const fencing: readonly Point[] = [
  {
    id: 'fencing-required',
    title: 'A fencing token is required',
    async check(scratch) {
      const { store } = scratch;
      const { key } = await protectedKey(scratch, 'fencing-required');
      for (const [verb, call] of [
        ['SET', store.set(key, '2')],
        ['DEL', store.delete(key)],
        ['VDEL', store.deleteIfValue(key, '1')],
      ] as const) {
        const code = await refusalOf(call, `${verb} without a fencing token changed a key that has one`);
        expect(code === 'FENCING_TOKEN_REQUIRED', `${verb} without a fencing token was refused with ${code}`);
      }
      expect((await store.get(key)).found, 'GET did not find a key that has a fencing token');
      return 'for SET, DEL and VDEL; GET needs none';
    },
  },
  {
    id: 'fencing-lower',
    title: 'A lower fencing token is refused',
    async check(scratch) {
      const { key, older } = await protectedKey(scratch, 'fencing-lower');
      const code = await refusalOf(
        scratch.store.set(key, '2', { fencingToken: older }),
        'SET with an older fencing token changed the key',
      );
      expect(code === 'FENCING_TOKEN_LOWER_VERSION', `an older fencing token was refused with ${code}`);
      return '';
    },
  },
  {
    id: 'fencing-newer',
    title: 'A newer fencing token replaces it',
    async check(scratch) {
      const { store } = scratch;
      const { key, token } = await protectedKey(scratch, 'fencing-newer');
      const newer = await tokenOf(scratch, 'fencing-newer-lock');
      const { stored } = await store.set(key, '2', { fencingToken: newer });
      expect(stored, 'SET with a newer fencing token did not store the value');
      scratch.protect(key, newer);
      const code = await refusalOf(
        store.set(key, '3', { fencingToken: token }),
        'the fencing token before still works after a newer one was used',
      );
      expect(code === 'FENCING_TOKEN_LOWER_VERSION', `the fencing token before was refused with ${code}`);
      return '';
    },
  },
];

/** A key with a fencing token, and an older token. */
async function protectedKey(scratch: Scratch, name: string) {
  const older = await tokenOf(scratch, `${name}-lock`);
  const token = await tokenOf(scratch, `${name}-lock`);
  const key = scratch.key(name);
  await scratch.store.set(key, '1', { fencingToken: token });
  scratch.protect(key, token);
  return { key, older, token };
}

async function tokenOf(scratch: Scratch, lock: string): Promise<string> {
  const { version } = await scratch.store.set(scratch.key(lock), 'holder');
  expect(version !== undefined, 'SET returned no version, which is the fencing token');
  return version;
}
