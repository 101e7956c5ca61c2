import assert from 'node:assert/strict';
import {
  begin,
  ConflictError,
  complete,
  currentOf,
  EMPTY_INDEX,
  type FlowIndex,
  type FlowVersion,
  formatIndex,
  parseIndex,
  recovered,
  restore,
} from '../../../src/storage/flow-index';

const version = (id: string): FlowVersion => ({
  ...{ id, parts: 1, bytes: 2, sha256: 'x', at: '2026-01-01T00:00:00.000Z', by: 'left' },
  ...{ nodes: 1, type: 'full' as const, modules: {} },
});

/** Deploys these versions one after the other. */
const deployed = (...ids: string[]): FlowIndex =>
  ids.reduce((index, id) => {
    const begun = begin(index, index.current, version(id), 0).index;
    return complete(begun, index.current, version(id), 10).index;
  }, EMPTY_INDEX);

describe('The list of flow versions', () => {
  it('runs the version that was completed last', () => {
    const index = deployed('a', 'b');
    assert.equal(currentOf(index)?.id, 'b');
    assert.deepEqual(
      index.versions.map(({ id }) => id),
      ['a', 'b'],
    );
    assert.equal(index.sequence, 2);
    assert.deepEqual(index.pending, []);
  });

  it('does not run a version whose parts are still being written', () => {
    const { index } = begin(deployed('a'), 'a', version('b'), 0);
    assert.equal(index.current, 'a');
    assert.equal(index.sequence, 1);
  });

  it('refuses a deploy from a version that does not run any more, at its begin and at its end', () => {
    const index = deployed('a', 'b');
    assert.throws(() => begin(index, 'a', version('c'), 0), ConflictError);
    const begun = begin(deployed('a'), 'a', version('c'), 0).index;
    const overtaken = complete(begin(begun, 'a', version('b'), 0).index, 'a', version('b'), 10).index;
    assert.throws(() => complete(overtaken, 'a', version('c'), 10), {
      code: 'version_mismatch',
      status: 409,
    });
  });

  it('gives up a version that was begun ten minutes ago and never completed', () => {
    const begun = begin(deployed('a'), 'a', version('dead'), 0).index;
    const { index, abandoned } = begin(begun, 'a', version('b'), 600_001);
    assert.deepEqual(
      abandoned.map(({ id }) => id),
      ['dead'],
    );
    assert.throws(() => complete(index, 'a', version('dead'), 10), ConflictError);
  });

  it('keeps as many versions as it may', () => {
    const begun = begin(deployed('a', 'b', 'c'), 'c', version('d'), 0).index;
    const { index, dropped } = complete(begun, 'c', version('d'), 2);
    assert.deepEqual(
      [index.versions, dropped].map((list) => list.map(({ id }) => id)),
      [
        ['c', 'd'],
        ['a', 'b'],
      ],
    );
  });

  it('goes back to an older version with a higher sequence, and names an unknown one', () => {
    const index = restore(deployed('a', 'b'), 'a');
    assert.deepEqual([index.current, index.sequence], ['a', 3]);
    assert.throws(() => restore(index, 'z'), { code: 'BAD_ARGUMENT', message: /no flow version z.*a, b/ });
  });

  it('takes the version of the instance with the highest sequence after a loss of memory', () => {
    const own = version('c');
    const restored = recovered(EMPTY_INDEX, own, 3);
    assert.deepEqual([restored?.current, restored?.sequence], ['c', 3]);
    assert.equal(recovered(deployed('a', 'b', 'c'), version('b'), 2), undefined);
    const older = recovered(deployed('a'), own, 3);
    assert.deepEqual(
      older?.versions.map(({ id }) => id),
      ['a', 'c'],
    );
  });

  it('is read as it was written, and a damaged one is an error', () => {
    const index = deployed('a');
    assert.deepEqual(parseIndex(formatIndex(index)), index);
    assert.deepEqual(parseIndex(undefined), EMPTY_INDEX);
    for (const text of [
      '',
      '[]',
      'null',
      '{"sequence":1}',
      '{"sequence":1,"current":"a","pending":[],"versions":[1]}',
    ])
      assert.throws(() => parseIndex(Buffer.from(text)), { code: 'BAD_RESPONSE', message: /is damaged/ });
  });
});
