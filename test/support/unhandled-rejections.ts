/** An unhandled rejection ends Node.js, and with it Node-RED, but mocha continues. Here it fails the test in which it occurs. */
import assert from 'node:assert/strict';

const seen = new Set<unknown>();

/** Loaded by `.mocharc.json`. */
export const mochaHooks = {
  beforeAll(): void {
    process.on('unhandledRejection', (reason) => seen.add(reason));
  },
  afterEach(): void {
    const unhandled = [...seen];
    seen.clear();
    assert.deepEqual(unhandled, [], 'rejections that nobody handled');
  },
};
