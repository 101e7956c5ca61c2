import assert from 'node:assert/strict';
import { type Answer, type Verdict, verdictsOn } from '../../../src/coordination/batch-outcomes';

describe('The outcome of each update of a batch', () => {
  const cases: [answers: Answer[], verdicts: Verdict[]][] = [
    [[], []],
    [['written'], ['applied']],
    [['unchanged'], ['applied']],
    [['refused'], ['refused']],
    [['unknown'], ['unknown']],
    [['raced'], ['again']],
    [
      ['written', 'written'],
      ['applied', 'applied'],
    ],
    // A later value contains the change.
    [
      ['refused', 'written'],
      ['applied', 'applied'],
    ],
    [
      ['unknown', 'unchanged', 'written'],
      ['applied', 'applied', 'applied'],
    ],
    // An earlier value does not contain it.
    [
      ['written', 'refused'],
      ['applied', 'refused'],
    ],
    [
      ['written', 'unknown', 'refused'],
      ['applied', 'unknown', 'refused'],
    ],
    [
      ['refused', 'unknown'],
      ['unknown', 'unknown'],
    ],
    // Nothing was written, but the value that was returned is not there.
    [
      ['refused', 'unchanged'],
      ['refused', 'again'],
    ],
    [
      ['unknown', 'unchanged'],
      ['unknown', 'again'],
    ],
    [
      ['unchanged', 'raced'],
      ['again', 'again'],
    ],
  ];
  for (const [answers, verdicts] of cases) {
    it(`is ${verdicts.join(', ') || 'none'} after ${answers.join(', ') || 'nothing'}`, () => {
      assert.deepEqual(verdictsOn(answers), verdicts);
    });
  }
});
