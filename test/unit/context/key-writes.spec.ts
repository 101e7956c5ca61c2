import assert from 'node:assert/strict';
import { KeyWrites } from '../../../src/context/key-writes';

const raise = (error: unknown) => assert.ifError(error);

describe('The writes of one key', () => {
  it('are sent one at a time, and waiting writes are joined', () => {
    const writes = new KeyWrites();
    const settled: string[] = [];
    const first = writes.want(10, () => settled.push('first'));
    assert.ok(first && writes.busy);
    assert.equal(
      writes.want(20, () => settled.push('second')),
      undefined,
    );
    assert.equal(writes.want(15, undefined), undefined);
    first.settle(undefined, raise);
    const second = writes.next();
    assert.deepEqual([second?.deadline, second?.unwatched, settled], [20, true, ['first']]);
    second?.settle(undefined, raise);
    assert.deepEqual([writes.next(), writes.busy, settled], [undefined, false, ['first', 'second']]);
  });

  it('that are asked for before one goes out go out with it', () => {
    const writes = new KeyWrites();
    const first = writes.want(10, undefined);
    writes.want(30, undefined);
    writes.joinAll();
    assert.deepEqual([first?.deadline, writes.next()], [30, undefined]);
  });

  it('restore a text only as long as nothing else is asked for', () => {
    const writes = new KeyWrites();
    const restoring = writes.restore(10, '"lost"');
    assert.equal(restoring?.restores, '"lost"');
    assert.equal(restoring?.options(false, 10)?.condition ?? 'NX', 'NX');
    writes.want(20, undefined);
    writes.joinAll();
    assert.equal(restoring?.restores, undefined);
  });

  it('keep the newest change of another process until it is taken', () => {
    const writes = new KeyWrites();
    const change = { operation: 'delete', key: Buffer.from('k') } as const;
    writes.keep(change);
    assert.deepEqual([writes.takeChange(), writes.takeChange()], [change, undefined]);
  });
});
