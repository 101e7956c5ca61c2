import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatHlc } from '../../src/protocol/hlc';
import { plain } from '../support/arbitraries';
import {
  checkKey,
  describeIllegal,
  type KeyCall,
  type KeyOperation,
  type KeyState,
  keyModel,
  type Told,
} from '../support/key-history';

const version = (wallClockMs: number) => formatHlc({ wallClockMs, counter: 0, nodeId: 'store' });

/** A call from `begin` to `end`; without a definite answer it may take effect at any time. */
function call(begin: number, end: number, operation: KeyOperation, told: Told): KeyCall {
  const optional = 'unknown' in told;
  const at: [number, number] = [begin, end];
  return {
    begin,
    end: optional ? Number.POSITIVE_INFINITY : end,
    optional,
    operation,
    told,
    client: 'c',
    at,
  };
}

const set = (value: string, more: object = {}): KeyOperation => ({ do: 'set', value, ...more });
const get: KeyOperation = { do: 'get' };
const remove: KeyOperation = { do: 'delete' };
const stored = (ms: number): Told => ({ stored: true, version: version(ms) });
const found = (value: string, ms: number): Told => ({ found: true, value, version: version(ms) });
const missing: Told = { found: false };
const deleted = (ms: number): Told => ({ deleted: true, found: true, version: version(ms) });
const unknown: Told = { unknown: 'TIMEOUT' };

describe('The check of a history', () => {
  const legal: Record<string, KeyCall[]> = {
    'one call after the other': [
      call(1, 2, get, missing),
      call(3, 4, set('a'), stored(1)),
      call(5, 6, get, found('a', 1)),
      call(7, 8, set('b', { condition: 'NX' }), { stored: false, version: version(1) }),
      call(9, 10, { do: 'delete', value: 'x' }, { deleted: false, found: true }),
      call(11, 12, { do: 'delete', value: 'a' }, deleted(2)),
      call(13, 14, remove, { deleted: false, found: false }),
    ],
    'a reading that overlaps a write and is told the old value': [
      call(1, 2, set('a'), stored(1)),
      call(3, 10, set('b'), stored(2)),
      call(4, 5, get, found('b', 2)),
      call(3.5, 6, get, found('a', 1)),
    ],
    'a write of unknown outcome that took effect later': [
      call(1, 2, set('a'), stored(1)),
      call(3, 4, set('b'), unknown),
      call(5, 6, get, found('a', 1)),
      call(7, 8, get, found('b', 2)),
      call(9, 10, set('c', { condition: 'NX' }), { stored: false, version: version(2) }),
    ],
    'a write of unknown outcome that never took effect': [
      call(1, 2, set('a'), unknown),
      call(3, 4, remove, unknown),
      call(5, 6, get, missing),
    ],
    'a write of unknown outcome that only a delete saw': [
      call(1, 2, set('a'), unknown),
      call(3, 4, remove, deleted(5)),
      call(5, 6, get, missing),
    ],
    'fencing tokens': [
      call(1, 2, set('a', { token: version(5) }), stored(10)),
      call(3, 4, set('b'), { refused: 'FENCING_TOKEN_REQUIRED' }),
      call(5, 6, set('c', { token: version(4) }), { refused: 'FENCING_TOKEN_LOWER_VERSION' }),
      call(7, 8, set('d', { token: version(6) }), stored(11)),
      call(9, 10, { do: 'delete', token: version(5) }, { refused: 'FENCING_TOKEN_LOWER_VERSION' }),
      call(11, 12, { do: 'delete', token: version(6) }, deleted(12)),
      call(13, 14, set('e'), stored(13)),
    ],
    'a store that began anew': [
      call(1, 2, set('a'), stored(1)),
      call(3, 6, { do: 'restart' }, { restarted: true }),
      call(4, 5, get, found('a', 1)),
      call(7, 8, get, missing),
    ],
  };
  for (const [name, history] of Object.entries(legal)) {
    it(`accepts ${name}`, () => assert.equal(checkKey(history).kind, 'legal'));
  }

  const illegal: Record<string, KeyCall[]> = {
    'a stale reading': [
      call(1, 2, set('a'), stored(1)),
      call(3, 4, set('b'), stored(2)),
      call(5, 6, get, found('a', 1)),
    ],
    'a reading of nothing': [call(1, 2, set('a'), stored(1)), call(3, 4, get, missing)],
    'a value that nobody wrote, or whose write was told not to be sent': [call(1, 2, get, found('a', 1))],
    'a lost update: two NX of which both succeed': [
      call(1, 4, set('a', { condition: 'NX' }), stored(1)),
      call(2, 3, set('b', { condition: 'NX' }), stored(2)),
    ],
    'a lost update: a confirmed write that a later one did not see': [
      call(1, 2, set('a', { condition: 'NEX' }), stored(1)),
      call(3, 4, set('b', { condition: 'NEX' }), stored(2)),
    ],
    'a write that is applied twice, around a newer one': [
      call(1, 9, set('a'), stored(1)),
      call(2, 3, get, found('a', 1)),
      call(4, 5, set('b'), stored(2)),
      call(6, 7, get, found('b', 2)),
      call(10, 11, get, found('a', 3)),
    ],
    'a write of unknown outcome that is applied twice': [
      call(1, 2, set('a'), unknown),
      call(3, 4, get, found('a', 1)),
      call(5, 6, get, found('a', 2)),
    ],
    'a write that is applied twice, told by its version alone': [
      call(1, 9, set('a'), stored(2)),
      call(3, 4, get, found('a', 1)),
    ],
    'a false "not stored"': [
      call(1, 9, set('a', { condition: 'NX' }), { stored: false }),
      call(2, 3, get, found('a', 1)),
    ],
    'a false "not found" of a delete': [
      call(1, 2, set('a'), stored(1)),
      call(3, 6, remove, { deleted: false, found: false }),
      call(7, 8, get, missing),
    ],
    'a refusal by a fencing token that was not there': [
      call(1, 2, set('a', { token: version(5) }), stored(10)),
      call(3, 4, set('b', { token: version(6) }), { refused: 'FENCING_TOKEN_LOWER_VERSION' }),
      call(5, 6, get, found('b', 11)),
    ],
    'versions against the order': [call(1, 2, set('a'), stored(2)), call(3, 4, set('b'), stored(1))],
    'an old write in a store that began anew': [
      { ...call(1, 2, set('a'), unknown), before: 1 },
      call(3, 6, { do: 'restart' }, { restarted: true }),
      call(7, 8, get, found('a', 5)),
    ],
  };
  for (const [name, history] of Object.entries(illegal)) {
    it(`finds ${name}`, () => assert.equal(checkKey(history).kind, 'illegal'));
  }

  it('shows where no order goes on', () => {
    const verdict = checkKey(illegal['a stale reading'] as KeyCall[]);
    assert.ok(verdict.kind === 'illegal');
    assert.match(
      describeIllegal(verdict),
      /2 calls have an order.*set b.*then the key holds b.*none of these can come next:\n.*get.*"value":"a"/s,
    );
  });

  /** A store that serves one call after the other, at a moment between begin and end of each. */
  const histories = fc
    .array(
      fc.record(
        {
          verb: fc.constantFrom('set', 'NX', 'NEX', 'get', 'delete', 'VDEL'),
          value: fc.constantFrom('x', 'y', 'z'),
          ...{ before: fc.integer({ min: 1, max: 400 }), after: fc.integer({ min: 1, max: 400 }) },
          /** Whether the caller gets the result, and whether the call happens at all if not. */
          fate: fc.constantFrom('told', 'told', 'told', 'told', 'happens untold', 'never happens'),
        },
        plain,
      ),
      { maxLength: 40 },
    )
    .map((steps) => {
      let held: { value: string; version: string } | undefined;
      return steps.map(({ verb, value, before, after, fate }, i): KeyCall => {
        const moment = (i + 1) * 100;
        const [begin, end] = [moment - before + i / 1000, moment + after + i / 1000];
        const own = fate === 'told' || verb === 'NEX' || verb === 'VDEL' ? value : `${value}${i}`;
        const condition = verb === 'NX' || verb === 'NEX' ? { condition: verb } : {};
        const operation: KeyOperation =
          verb === 'get'
            ? get
            : verb === 'delete' || verb === 'VDEL'
              ? { do: 'delete', ...(verb === 'VDEL' && { value }) }
              : set(own, condition);
        if (fate === 'never happens') return call(begin, end, operation, unknown);
        let told: Told;
        if (operation.do === 'get') {
          told = held ? { found: true, ...held } : missing;
        } else if (operation.do === 'set') {
          const applies = !held || verb === 'set' || (verb === 'NEX' && held.value === own);
          if (applies) held = { value: own, version: version(i + 1) };
          told = { stored: applies, version: held?.version };
        } else {
          const applies = held !== undefined && (verb === 'delete' || held.value === value);
          told = { deleted: applies, found: held !== undefined, ...(applies && { version: version(i + 1) }) };
          if (applies) held = undefined;
        }
        return call(begin, end, operation, fate === 'told' ? told : unknown);
      });
    });

  it('accepts every history of a store that serves one call after the other', () => {
    fc.assert(fc.property(histories, (history) => checkKey(history).kind === 'legal'));
  });

  it('finds every answer with a version that was never given', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (history, at) => {
        const readings = history.filter(({ told }) => 'found' in told && 'value' in told);
        const reading = readings[at % Math.max(1, readings.length)];
        fc.pre(reading !== undefined);
        const untold = history.some(({ told }) => 'unknown' in told);
        fc.pre(!untold);
        const changed = history.map((one) =>
          one === reading ? { ...one, told: { ...one.told, version: version(1_000_000) } } : one,
        );
        return checkKey(changed).kind === 'illegal';
      }),
    );
  });

  /** The definition itself: every order is tried. */
  function hasOrder(calls: readonly KeyCall[], state: KeyState = keyModel.initial): boolean {
    if (calls.every(({ optional }) => optional)) return true;
    return calls.some((next) => {
      if (calls.some((other) => !other.optional && other.end < next.begin)) return false;
      const after = keyModel.step(state, next);
      const left = calls.filter((other) => other !== next);
      return after !== undefined && hasOrder(left, after);
    });
  }

  it('says of any answers what the definition says', () => {
    const answers = (operation: KeyOperation): Told[] => {
      if (operation.do === 'get') return [missing, found('x', 1), found('y', 2)];
      if (operation.do === 'set') return [stored(1), stored(2), { stored: false }, unknown];
      return [deleted(3), { deleted: false, found: false }, { deleted: false, found: true }, unknown];
    };
    const operations = [get, set('x'), set('y', { condition: 'NX' }), set('y', { condition: 'NEX' }), remove];
    const any = fc.record(
      { begin: fc.nat(8), length: fc.integer({ min: 1, max: 5 }), which: fc.nat(4), answer: fc.nat(3) },
      plain,
    );
    const verdicts = { legal: 0, illegal: 0 };
    fc.assert(
      fc.property(fc.array(any, { maxLength: 5 }), (steps) => {
        const history = steps.map(({ begin, length, which, answer }, i) => {
          const operation = operations[which] as KeyOperation;
          const told = answers(operation);
          return call(
            begin + i / 10,
            begin + length + i / 10 + 0.05,
            operation,
            told[answer % told.length] as Told,
          );
        });
        const legal = hasOrder(history);
        verdicts[legal ? 'legal' : 'illegal']++;
        assert.equal(checkKey(history).kind, legal ? 'legal' : 'illegal');
      }),
      { numRuns: 3000 },
    );
    assert.ok(verdicts.legal > 100 && verdicts.illegal > 100, JSON.stringify(verdicts));
  });
});
