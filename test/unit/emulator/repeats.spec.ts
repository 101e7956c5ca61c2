import assert from 'node:assert/strict';
import { MAX_REPEATS, REPEAT_DEFAULT_MS, Repeats } from '../../../src/emulator/repeats';

const RESPONSE = { payload: Buffer.from('+OK\r\n'), version: 'v' };
const PAYLOAD = Buffer.from('SET');
const request = (clientId: string, id: number, messageExpiryInterval?: number) => ({
  ...{ clientId, messageExpiryInterval, payload: PAYLOAD, timestamp: 't' },
  correlationData: Buffer.from(String(id)),
});

describe('Repeats', () => {
  it('are known by client, correlation data and timestamp until they expire', () => {
    const repeats = new Repeats();
    const first = request('a', 1, 10);
    repeats.add(first, RESPONSE, 0);
    assert.equal(repeats.find(first, 9_999)?.response, RESPONSE);
    assert.equal(repeats.find(first, 10_000), undefined);
    assert.equal(repeats.find(request('b', 1), 0), undefined);
    assert.equal(repeats.find(request('a', 2), 0), undefined);
    assert.equal(repeats.find({ ...first, timestamp: 'u' }, 0), undefined);
    assert.equal(repeats.find({ ...first, payload: Buffer.alloc(0) }, 0), undefined);
    repeats.drop(10_000);
    assert.equal(repeats.size, 0);
  });

  it('without expiry are known for a minute', () => {
    const repeats = new Repeats();
    repeats.add(request('a', 1), RESPONSE, 0);
    assert.ok(repeats.find(request('a', 1), REPEAT_DEFAULT_MS - 1));
    assert.equal(repeats.find(request('a', 1), REPEAT_DEFAULT_MS), undefined);
  });

  it('are bounded in number: what expires first is forgotten first', () => {
    const repeats = new Repeats();
    for (let i = 0; i <= MAX_REPEATS; i++) repeats.add(request(`c${i % 9}`, i, 1 + (i % 2)), RESPONSE, 0);
    assert.equal(repeats.size, MAX_REPEATS);
    assert.equal(repeats.find(request('c0', 0), 0), undefined);
    assert.ok(repeats.find(request('c1', 1), 0));
  });
});
