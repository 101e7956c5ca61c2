import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeNotification, parseNotification } from '../../../src/protocol/notifications';
import { encodeArray } from '../../../src/protocol/resp3';
import { bytes, isBadResponse } from '../../support/arbitraries';

describe('Notifications', () => {
  it('bring any value back', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const notification = { operation: 'set' as const, value };
        assert.deepEqual(parseNotification(encodeNotification(notification)), notification);
      }),
    );
  });

  it('are written as the clients expect them', () => {
    assert.equal(
      encodeNotification({ operation: 'set', value: Buffer.from('abc') }).toString(),
      '*4\r\n$6\r\nNOTIFY\r\n$3\r\nSET\r\n$5\r\nVALUE\r\n$3\r\nabc\r\n',
    );
    assert.equal(
      encodeNotification({ operation: 'delete' }).toString(),
      '*2\r\n$6\r\nNOTIFY\r\n$6\r\nDELETE\r\n',
    );
  });

  it('of a delete are read in both spellings', () => {
    for (const word of ['DEL', 'DELETE']) {
      assert.deepEqual(parseNotification(encodeArray(['NOTIFY', word])), { operation: 'delete' });
    }
  });

  for (const items of [
    [],
    ['NOTIFY'],
    ['NOTIFY', 'SET'],
    ['NOTIFY', 'SET', 'VALUE'],
    ['NOTIFY', 'SET', 'KEY', 'x'],
    ['X', 'DELETE'],
    ['NOTIFY', 'DELETE', 'x'],
  ]) {
    it(`are not [${items}]`, () => {
      assert.throws(() => parseNotification(encodeArray(items)), isBadResponse);
    });
  }
});
