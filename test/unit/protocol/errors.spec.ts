import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../../../src/errors';
import { ServiceError } from '../../../src/protocol/errors';
import { ROOT } from '../../support/node-red';

describe('A refusal that only a bug explains', () => {
  for (const text of ['syntax error', 'wrong number of arguments', 'unknown command'])
    it(`says where to report it: ${text}`, () => {
      const { bugs } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
      assert.ok(
        ServiceError.fromText(text, { operation: 'get', key: 'k' }).message.includes(` at ${bugs.url} with `),
      );
    });
});

describe('A refusal for want of a rule', () => {
  const cases: [Operation, string][] = [
    ['get', 'Read'],
    ['observe', 'Read'],
    ['keys', 'Read'],
    ['set', 'ReadWrite'],
    ['delete', 'ReadWrite'],
  ];
  for (const [operation, method] of cases)
    it(`of ${operation} names the method ${method} and the whole key`, () => {
      const context = { operation, key: 'k', keyPrefix: 'line1/' };
      const { message } = ServiceError.fromText('not authorized', context);
      const which = operation === 'keys' ? 'keys that match' : 'key';
      assert.match(message, new RegExp(`rule that grants ${method} to the ${which} line1/k\\.$`));
    });
});
