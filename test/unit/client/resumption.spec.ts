import assert from 'node:assert/strict';
import { Resumption } from '../../../src/client/resumption';
import { pendingRequest } from '../../support/pending';

const write = (key: string) => pendingRequest('set', key, { copies: 1 });
const read = (key: string) => pendingRequest('get', key, { copies: 1 });

/** Everything that is sent again now. */
function sent(resumption: Resumption): string {
  const keys: string[] = [];
  for (let next = resumption.next; next; next = resumption.next) {
    keys.push(next.request.key);
    resumption.drop(next);
  }
  return keys.join(' ');
}

describe('A resumption', () => {
  it('of nothing lets new requests out at once', () => {
    const resumption = new Resumption();
    assert.equal(resumption.begin([]), undefined);
    assert.equal(resumption.isUnderWay, false);
  });

  it('of reads, of idempotent writes, and of writes that never arrived needs no barrier', () => {
    const resumption = new Resumption();
    const idempotent = pendingRequest('set', 'b', { copies: 1, repeatable: true });
    assert.equal(resumption.begin([read('a'), idempotent, pendingRequest('set', 'c')]), undefined);
    assert.deepEqual([resumption.isUnderWay, resumption.isAtBarrier], [true, false]);
    assert.equal(sent(resumption), 'a b c');
    assert.equal(resumption.isUnderWay, false);
  });

  it('of writes sends nothing before the barrier is answered, and then all in their order', () => {
    const resumption = new Resumption();
    const [a, b, c] = [read('a'), write('b'), write('c')];
    assert.equal(resumption.begin([a, b, c]), b);
    assert.deepEqual([resumption.isAtBarrier, resumption.next], [true, undefined]);
    assert.equal(resumption.drop(b), false, 'c is still to be decided');
    resumption.prove();
    assert.equal(sent(resumption), 'a c');
    assert.equal(resumption.isUnderWay, false);
  });

  it('needs no answer to the barrier when all writes have theirs', () => {
    const resumption = new Resumption();
    const [a, b, c] = [read('a'), write('b'), write('c')];
    resumption.begin([a, b, c]);
    assert.deepEqual([resumption.drop(c), resumption.drop(b)], [false, true]);
    assert.equal(sent(resumption), 'a');
  });

  it('whose barrier is not answered sends no write again that may have arrived', () => {
    const resumption = new Resumption();
    const [a, b, c] = [read('a'), write('b'), pendingRequest('set', 'c')];
    resumption.begin([a, b, c]);
    assert.deepEqual(resumption.giveUpProof(), [b]);
    assert.deepEqual(resumption.giveUpProof(), []);
    assert.equal(sent(resumption), 'a c');
  });

  it('ends with its connection', () => {
    const resumption = new Resumption();
    resumption.begin([write('a')]);
    resumption.stop();
    assert.deepEqual([resumption.isUnderWay, resumption.next], [false, undefined]);
    resumption.prove();
    assert.equal(resumption.isUnderWay, false);
  });
});
