/** The pictures of docs/dev/benchmarks.md, drawn from what was measured. */
import assert from 'node:assert/strict';
import type { Measurement } from '../../bench/measure';
import { PICTURES, picture } from '../../bench/picture';
import type { Cell } from '../../bench/results';

/** CPU time per operation of each contender: SET, GET. */
type Cpu = Record<string, [set: number, get: number]>;

const measured = (cpu: number): Measurement => ({ operations: 1, perSecond: 1, cpu, p50: 1, p99: 1 });

function cells(cpu: Cpu, size = 16, inFlight = 256): Cell[] {
  return (['SET', 'GET'] as const).map((operation, index) => ({
    ...{ operation, size, inFlight, ms: 1 },
    contenders: Object.fromEntries(
      Object.entries(cpu).map(([name, both]) => [name, measured(both[index] as number)]),
    ),
  }));
}

const CPU: Cpu = {
  floor: [5, 6],
  client: [20, 10],
  'rust-sdk': [50, 40],
  plain: [67, 60],
  'redis-nodes': [15, 13.25],
  nodes: [26, 25],
  'core-flow': [112, 100],
};

interface Box {
  x: number;
  y: number;
  width: number;
}

const attribute = (tag: string, name: string) => Number(new RegExp(` ${name}="([^"]+)"`).exec(tag)?.[1]);

const bars = (svg: string): (Box & { kind: string })[] =>
  [...svg.matchAll(/<rect class="(\w+-[sg]et)"[^>]*>/g)].map(([tag, kind]) => ({
    ...{ kind: kind as string, x: attribute(tag, 'x'), y: attribute(tag, 'y') },
    width: attribute(tag, 'width'),
  }));

const texts = (svg: string) =>
  [...svg.matchAll(/<text class="([^"]+)"[^>]*>([^<]*)<\/text>/g)].map(([tag, kind, words]) => ({
    ...{ kind: kind as string, words: words as string, x: attribute(tag, 'x'), y: attribute(tag, 'y') },
  }));

const names = (svg: string) => texts(svg).flatMap(({ kind, words }) => (kind === 'name code' ? [words] : []));

describe('The picture of CPU time per operation', () => {
  const load = { size: 16, inFlight: 256 };
  const svg = picture(cells(CPU), load);

  it('has a bar for SET and one for GET of each contender, as long as the time', () => {
    const all = bars(svg);
    assert.equal(all.length, 2 * Object.keys(CPU).length);
    const perMicrosecond = Math.max(...all.map(({ width }) => width)) / 112;
    const lengths = all.map(({ width }) => width / perMicrosecond).sort((a, b) => a - b);
    const times = Object.values(CPU).flat();
    for (const [index, time] of times.sort((a, b) => a - b).entries()) {
      const length = lengths[index] as number;
      assert.ok(Math.abs(length - time) < 0.2, `${length} for ${time} µs`);
    }
  });

  it('says beside each bar what it is of and how long it took', () => {
    const labels = texts(svg).filter(({ words }) => /^[SG]ET /.test(words));
    assert.deepEqual(
      labels.slice(0, 4).map(({ words }) => words),
      ['SET 5.0 µs', 'GET 6.0 µs', 'SET 20.0 µs', 'GET 10.0 µs'],
    );
    assert.ok(labels.some(({ words }) => words === 'SET 112 µs'));
    for (const [index, { x, width, y }] of bars(svg).entries()) {
      const label = labels[index] as (typeof labels)[number];
      assert.ok(label.x > x + width && label.y > y && label.y < y + 16, label.words);
    }
  });

  it('has programs and flows apart, the cheapest one first', () => {
    assert.deepEqual(names(svg), [
      ...['floor', 'client', 'rust-sdk', 'plain'],
      ...['redis-nodes', 'nodes', 'core-flow'],
    ]);
    const dear = names(picture(cells({ ...CPU, client: [90, 90] }), load));
    assert.deepEqual(dear.slice(0, 4), ['floor', 'rust-sdk', 'plain', 'client']);
  });

  it('omits skipped contenders, and a group without any', () => {
    const { floor, client } = CPU as { floor: [number, number]; client: [number, number] };
    const less = picture(cells({ floor, client }), load);
    assert.deepEqual(names(less), ['floor', 'client']);
    assert.doesNotMatch(less, /Node-RED/);
  });

  it('is of one load, which it names', () => {
    const others = [...cells({ floor: [1, 1] }, 1024), ...cells({ floor: [1, 1] }, 16, 1)];
    assert.equal(picture([...others, ...cells(CPU)], load), svg);
    assert.match(svg, /Values of 16 B, 256 requests in flight/);
    const large = { size: 65_536, inFlight: 16 };
    assert.match(picture(cells(CPU, 65_536, 16), large), /Values of 64 KiB, 16 requests in flight/);
  });

  it('is drawn for small values and for large ones', () => {
    assert.deepEqual(PICTURES, {
      'cpu.svg': { size: 16, inFlight: 256 },
      'cpu-large.svg': { size: 65_536, inFlight: 16 },
    });
  });

  it('lets nothing stand on anything else, or outside', () => {
    const all = [
      ...bars(svg),
      ...texts(svg).map(({ x, y, words }) => ({ x, y: y - 11, width: words.length * 7 })),
    ];
    const [, width, height] = /viewBox="0 0 (\d+) ([\d.]+)"/.exec(svg)?.map(Number) ?? [];
    const labels = texts(svg);
    for (const one of all) {
      assert.ok(one.x >= 0 && one.x + one.width <= (width as number), JSON.stringify(one));
      assert.ok(one.y >= 0 && one.y + 15 <= (height as number), JSON.stringify(one));
    }
    for (const [index, one] of labels.entries()) {
      for (const other of labels.slice(index + 1)) {
        if (Math.abs(one.y - other.y) >= 12) continue;
        const [left, right] = one.x < other.x ? [one, other] : [other, one];
        assert.ok(left.x + left.words.length * 7 <= right.x, `${left.words} / ${right.words}`);
      }
    }
  });

  it('has colours of its own for each theme, on a ground of its own', () => {
    const [, light, dark] =
      /<style>([\s\S]*)@media \(prefers-color-scheme: dark\) \{([\s\S]*)\}\n<\/style>/.exec(svg) ?? [];
    const used = new Set(
      [...svg.matchAll(/ class="([^"]+)"/g)].flatMap((match) => match[1]?.split(' ') ?? []),
    );
    const colour = (from = '', name: string) =>
      new RegExp(`\\.${name} \\{ \\w+: (#\\w{6}); \\}`).exec(from)?.[1];
    for (const name of ['page', 'name', 'what', 'line', 'ours-set', 'ours-get', 'theirs-set', 'theirs-get']) {
      assert.ok(used.has(name), name);
      assert.ok(colour(light, name) && colour(dark, name), name);
      assert.notEqual(colour(light, name), colour(dark, name), name);
    }
  });
});
