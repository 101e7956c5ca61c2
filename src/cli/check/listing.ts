/** SCAN. */
import { expect } from './outcome';
import type { Point } from './point';

const KEYS = ['scan/a', 'scan/b', 'scan/c'];

export const listing: readonly Point[] = [
  {
    id: 'scan',
    title: 'SCAN (list of keys)',
    async check({ store, key, prefix }) {
      for (const name of KEYS) await store.set(key(name), '1');
      const found: string[] = [];
      // A prefix of this check has no characters with a meaning in patterns.
      for await (const one of store.keys(`${prefix}scan/[ab]`)) found.push(one.toString());
      const expected = KEYS.slice(0, 2).map((name) => `${prefix}${name}`);
      expect(
        found.sort().join('\n') === expected.join('\n'),
        `SCAN listed ${found.length} keys for a pattern that matches ${expected.length}`,
      );
      return '';
    },
  },
];
