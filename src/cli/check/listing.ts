/** SCAN. */
import { expect } from './outcome';
import type { Point } from './point';

const KEYS = ['scan/a', 'scan/b', 'scan/cc'];
/** Patterns, and the keys that they match. */
const PATTERNS: readonly (readonly [pattern: string, keys: readonly string[]])[] = [
  ['scan/*', KEYS],
  ['scan/?', ['scan/a', 'scan/b']],
  ['scan/[ac]*', ['scan/a', 'scan/cc']],
  ['scan/[!a]*', ['scan/b', 'scan/cc']],
];

export const listing: readonly Point[] = [
  {
    id: 'scan',
    title: 'SCAN (list of keys)',
    async check({ store, key, prefix }) {
      for (const name of KEYS) await store.set(key(name), '1');
      for (const [pattern, matching] of PATTERNS) {
        const found: string[] = [];
        // A prefix of this check has no characters with a meaning in patterns.
        for await (const one of store.keys(`${prefix}${pattern}`)) found.push(one.toString());
        const expected = matching.map((name) => `${prefix}${name}`);
        expect(
          found.sort().join('\n') === expected.join('\n'),
          `SCAN listed ${found.length} keys for ${pattern}, which matches ${expected.length} (or other keys)`,
        );
      }
      return '';
    },
  },
];
