import assert from 'node:assert/strict';
import { MAX_REPEATS, REPEAT_DEFAULT_MS, Repeats } from '../../../src/emulator/repeats';

const RESPONSE = { payload: Buffer.from('+OK\r\n'), version: 'v' };
const id = (text: string | number) => Buffer.from(String(text));

describe('Repeats', () => {
  it('are known by client and correlation data until they expire', () => {
    const repeats = new Repeats();
    repeats.add('a', id(1), 10, RESPONSE, 0);
    assert.equal(repeats.find('a', id(1), 9_999)?.response, RESPONSE);
    assert.equal(repeats.find('a', id(1), 10_000), undefined);
    assert.equal(repeats.find('b', id(1), 0), undefined);
    assert.equal(repeats.find('a', id(2), 0), undefined);
    repeats.drop(10_000);
    assert.equal(repeats.size, 0);
  });

  it('without expiry are known for a minute', () => {
    const repeats = new Repeats();
    repeats.add('a', id(1), undefined, RESPONSE, 0);
    assert.ok(repeats.find('a', id(1), REPEAT_DEFAULT_MS - 1));
    assert.equal(repeats.find('a', id(1), REPEAT_DEFAULT_MS), undefined);
  });

  it('are bounded in number: what expires first is forgotten first', () => {
    const repeats = new Repeats();
    for (let i = 0; i <= MAX_REPEATS; i++) repeats.add(`c${i % 9}`, id(i), 1 + (i % 2), RESPONSE, 0);
    assert.equal(repeats.size, MAX_REPEATS);
    assert.equal(repeats.find('c0', id(0), 0), undefined);
    assert.ok(repeats.find('c1', id(1), 0));
  });
});
