import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseCommand } from '../../../src/protocol/commands';
import { ServiceError } from '../../../src/protocol/errors';
import { encodeArray } from '../../../src/protocol/resp3';
import { command } from '../../support/arbitraries';
import { encodeCommand } from '../../support/encode-command';

const key = Buffer.from('testkey');
const value = Buffer.from('testvalue');

describe('Commands', () => {
  // The bytes of the public clients' own tests.
  for (const [name, given, expected] of [
    ['SET', { verb: 'SET', key, value }, '*3\r\n$3\r\nSET\r\n$7\r\ntestkey\r\n$9\r\ntestvalue\r\n'],
    [
      'SET NX',
      { verb: 'SET', key, value, condition: 'NX' },
      '*4\r\n$3\r\nSET\r\n$7\r\ntestkey\r\n$9\r\ntestvalue\r\n$2\r\nNX\r\n',
    ],
    [
      'SET NEX PX: NEX is bare and comes first',
      { verb: 'SET', key, value, condition: 'NEX', expiryMs: 10 },
      '*6\r\n$3\r\nSET\r\n$7\r\ntestkey\r\n$9\r\ntestvalue\r\n$3\r\nNEX\r\n$2\r\nPX\r\n$2\r\n10\r\n',
    ],
    ['GET', { verb: 'GET', key }, '*2\r\n$3\r\nGET\r\n$7\r\ntestkey\r\n'],
    ['DEL', { verb: 'DEL', key }, '*2\r\n$3\r\nDEL\r\n$7\r\ntestkey\r\n'],
    ['VDEL', { verb: 'VDEL', key, value }, '*3\r\n$4\r\nVDEL\r\n$7\r\ntestkey\r\n$9\r\ntestvalue\r\n'],
    ['KEYNOTIFY', { verb: 'KEYNOTIFY', key, stop: false }, '*2\r\n$9\r\nKEYNOTIFY\r\n$7\r\ntestkey\r\n'],
    [
      'KEYNOTIFY STOP',
      { verb: 'KEYNOTIFY', key, stop: true },
      '*3\r\n$9\r\nKEYNOTIFY\r\n$7\r\ntestkey\r\n$4\r\nSTOP\r\n',
    ],
  ] as const) {
    it(`writes ${name}`, () => assert.equal(encodeCommand(given).toString(), expected));
  }

  it('brings any command back', () => {
    fc.assert(fc.property(command, (one) => assert.deepEqual(parseCommand(encodeCommand(one)), one)));
  });

  it('answers damaged bytes with an error of the store', () => {
    fc.assert(
      fc.property(command, fc.nat(), fc.nat(255), (one, at, byte) => {
        const data = encodeCommand(one);
        data[at % data.length] = byte;
        try {
          assert.deepEqual(encodeCommand(parseCommand(data)), data);
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  for (const [items, code] of [
    [['FLY', 'k'], 'UNKNOWN_COMMAND'],
    [['set', 'k', 'v'], 'UNKNOWN_COMMAND'],
    [[], 'UNKNOWN_COMMAND'],
    [['SET', 'k'], 'WRONG_NUMBER_OF_ARGUMENTS'],
    [['SET'], 'WRONG_NUMBER_OF_ARGUMENTS'],
    [['GET'], 'WRONG_NUMBER_OF_ARGUMENTS'],
    [['GET', 'k', 'v'], 'WRONG_NUMBER_OF_ARGUMENTS'],
    [['DEL', 'k', 'v'], 'WRONG_NUMBER_OF_ARGUMENTS'],
    [['VDEL', 'k'], 'WRONG_NUMBER_OF_ARGUMENTS'],
    [['KEYNOTIFY', 'k', 'STOP', 'x'], 'WRONG_NUMBER_OF_ARGUMENTS'],
    [['SET', '', 'v'], 'KEY_LENGTH_ZERO'],
    [['GET', ''], 'KEY_LENGTH_ZERO'],
    [['SET', 'k', 'v', 'XX'], 'SYNTAX_ERROR'],
    [['SET', 'k', 'v', 'NX', 'NEX'], 'SYNTAX_ERROR'],
    [['SET', 'k', 'v', 'PX'], 'SYNTAX_ERROR'],
    [['SET', 'k', 'v', 'PX', '0'], 'SYNTAX_ERROR'],
    [['SET', 'k', 'v', 'PX', '-1'], 'SYNTAX_ERROR'],
    [['SET', 'k', 'v', 'PX', '1.5'], 'SYNTAX_ERROR'],
    [['SET', 'k', 'v', 'PX', 'abc'], 'SYNTAX_ERROR'],
    [['KEYNOTIFY', 'k', 'GO'], 'SYNTAX_ERROR'],
  ] as const) {
    it(`refuses ${items.join(' ') || 'an empty array'} with ${code}`, () => {
      assert.throws(() => parseCommand(encodeArray(items)), { name: 'ServiceError', code });
    });
  }

  it('takes options in either order', () => {
    const expected = { verb: 'SET', key, value, condition: 'NX', expiryMs: 5 };
    assert.deepEqual(parseCommand(encodeArray(['SET', key, value, 'PX', '5', 'NX'])), expected);
  });
});
