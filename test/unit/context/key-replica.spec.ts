import assert from 'node:assert/strict';
import type { KeyChange } from '../../../src/client/observation';
import { KeyReplica } from '../../../src/context/key-replica';

const version = (ms: number) => `${String(ms).padStart(15, '0')}:00000:store`;
const set = (ms: number | undefined): KeyChange => ({
  operation: 'set',
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  ...(ms !== undefined && { version: version(ms) }),
});

describe('The known content of a key', () => {
  for (const [name, change, connection, judgement] of [
    ['is newer', set(11), 1, 'news'],
    ['is the same', set(10), 1, 'known'],
    ['is older', set(9), 1, 'known'],
    ['is older, on another connection', set(9), 2, 'doubt'],
    ['has no version', set(undefined), 1, 'doubt'],
  ] as const)
    it(`makes a change ${judgement} if the change ${name}`, () => {
      const replica = new KeyReplica();
      replica.learn('1', version(10), 1);
      assert.equal(replica.judge(change, connection), judgement);
    });

  it('takes any change that has a version if nothing is known', () => {
    assert.equal(new KeyReplica().judge(set(1), 1), 'news');
  });

  it('stays as it is while it is doubtful', () => {
    const replica = new KeyReplica();
    replica.learn('1', version(10), 1);
    replica.livesIn(3);
    replica.doubt();
    assert.deepEqual([replica.text, replica.version, replica.life], ['1', version(10), 3]);
    assert.equal(replica.doubtful, true);
    replica.learn(undefined, undefined, 1);
    assert.deepEqual([replica.text, replica.doubtful], [undefined, false]);
  });
});
