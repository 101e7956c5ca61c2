import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { runInNewContext } from 'node:vm';
import { livePartOf } from '../../../src/context/live-value';

class Reading {
  value = 1;
}

const circle: Record<string, unknown> = { list: [] };
(circle.list as unknown[]).push(circle);
let deep: object = { end: () => 1 };
for (let level = 0; level < 50_000; level++) deep = { deep };
const repeated = { a: 1 };
const mesh = Array.from({ length: 40 }, (): object[] => []);
for (const [from, refers] of mesh.entries()) refers.push(...mesh.slice(from + 1));

describe('A live value', () => {
  for (const [name, value, kind, path] of [
    ['a function', () => 1, { name: 'function' }, ''],
    ['a function inside', { on: [{ message: () => 1 }] }, { name: 'function' }, 'on.0.message'],
    ['a socket', { req: { socket: new Socket() } }, { name: 'object', className: 'Socket' }, 'req.socket'],
    ['an object of a class', new Reading(), { name: 'object', className: 'Reading' }, ''],
    ['a map', { m: new Map() }, { name: 'object', className: 'Map' }, 'm'],
    ['a circle', circle, { name: 'reference' }, 'list.0'],
  ] as const) {
    it(`is found, and named: ${name}`, () => {
      const found = livePartOf(value);
      assert.deepEqual({ kind: found?.kind, path: found?.path.join('.') }, { kind, path });
    });
  }

  it('is found however deep it is', () => {
    assert.equal(livePartOf(deep)?.path.length, 50_001);
  });

  for (const [name, value] of Object.entries({
    ...{ nothing: undefined, null: null, text: 'a', number: 1, list: [1, [2]], object: { a: { b: null } } },
    ...{ date: new Date(), buffer: { b: Buffer.from('a') }, 'no prototype': Object.create(null) },
    'an object of a function node': runInNewContext('({ a: [1, { b: 2 }] })'),
    'the same object twice': { a: repeated, b: repeated },
    'forty lists that refer to the ones after them': mesh,
    'a long list': Array.from({ length: 20_000 }, (_, index) => ({ index })),
  })) {
    it(`is not: ${name}`, () => assert.equal(livePartOf(value), undefined));
  }
});
