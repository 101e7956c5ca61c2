import assert from 'node:assert/strict';
import { Counter } from './counter';
import { longestExcess, longestGap, overlapsOf, type Reign, Reigns, timeWithout } from './reigns';

const MS = 1_000_000n;
const reign = (name: string, begin: number, end: number): Reign => ({
  ...{ name, lease: 1000, tokens: ['', ''] },
  ...{ begin: BigInt(begin) * MS, end: BigInt(end) * MS },
});

describe('The measures of the chaos run', () => {
  it('see two candidates that are active at the same time', () => {
    const reigns = [reign('a', 0, 5), reign('b', 4, 9), reign('a', 10, 11)];
    assert.deepEqual(
      overlapsOf(reigns).map(({ ms }) => ms),
      [1],
    );
    assert.deepEqual(overlapsOf([reign('a', 0, 5), reign('b', 6, 9), reign('a', 10, 11)]), []);
  });

  it('see a candidate that goes on in the same term after another one was active', () => {
    const a: Reign[] = [];
    const acts = new Reigns('a', 1000, a);
    acts.add({ at: 0n, token: '1', term: 0 });
    acts.add({ at: 10_000n * MS, token: '1', term: 0 });
    assert.equal(overlapsOf([...a, reign('b', 4000, 5000)]).length, 1);
  });

  it('see no overlap where a candidate was on standby between two acts', () => {
    const a: Reign[] = [];
    const acts = new Reigns('a', 1000, a);
    acts.add({ at: 0n, token: '1', term: 0 });
    acts.add({ at: 900n * MS, token: '3', term: 1 });
    assert.deepEqual(overlapsOf([a[0] as Reign, reign('b', 400, 500), a[1] as Reign]), []);
  });

  it('see how long no candidate is active beyond the lease and half a second', () => {
    const reigns = [reign('a', 0, 5), reign('b', 1705, 2000), reign('a', 2100, 2200)];
    assert.equal(longestGap(reigns), 1700);
    assert.equal(longestExcess(reigns, [])?.ms, 200);
    assert.equal(longestExcess(reigns, [{ begin: 0n, end: 4n * MS }])?.ms, 200);
    assert.equal(longestExcess(reigns, [{ begin: 0n, end: 6n * MS }]), undefined);
    assert.equal(longestExcess(reigns, [{ begin: 1600n * MS }]), undefined);
    const outages = [
      { begin: 10n * MS, end: 20n * MS },
      { begin: 15n * MS, end: 30n * MS },
      { begin: 90n * MS },
    ];
    assert.equal(timeWithout(outages, 0n, 100n * MS), 70);
  });

  it('see an update that is lost, and one that is applied twice', () => {
    const counter = new Counter();
    for (const value of ['1 a', '2 b', '2 b', '3 c']) counter.value(value);
    assert.deepEqual(counter.faults, []);
    assert.deepEqual(counter.missing([{ id: 'a', count: 1 }]), []);
    assert.deepEqual(counter.missing([{ id: 'x', count: 2 }]), [{ id: 'x', count: 2 }]);
    counter.value('3 d');
    assert.match(counter.faults.join(), /an update is lost: 3 d after 3 c/);
    counter.value('4 b');
    assert.match(counter.faults.join(), /b is applied twice/);
  });

  it('allow for updates that happen while the key is not observed', () => {
    const counter = new Counter();
    counter.value('1 a');
    counter.away('kept');
    counter.value('3 c');
    counter.away('lost');
    counter.value('2 e');
    assert.deepEqual(counter.faults, []);
    const reported = [
      { id: 'b', count: 2 },
      { id: 'd', count: 4 },
      { id: 'f', count: 1 },
    ];
    assert.deepEqual(counter.missing(reported), []);
    assert.deepEqual(counter.missing([{ id: 'g', count: 3 }]), [{ id: 'g', count: 3 }]);
    counter.away('lost');
    counter.value('2 e');
    assert.deepEqual(counter.faults, [], 'a claim restored the value');
    counter.away('lost');
    counter.value('1 e');
    assert.match(counter.faults.join(), /e is applied twice: 1 e/);
  });
});
