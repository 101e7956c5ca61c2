import assert from 'node:assert/strict';
import { printableKey, StateStoreError } from '../../../src/protocol/errors';

describe('Errors', () => {
  it('print keys that are text as text, others as hexadecimal, long ones shortened', () => {
    assert.equal(printableKey(Buffer.from('máquina/1')), 'máquina/1');
    assert.equal(printableKey(Buffer.from([0xff, 0x00])), '0xff00');
    assert.equal(printableKey(Buffer.from('a\nb')), '0x610a62');
    assert.equal(printableKey(Buffer.alloc(6500, 'x')), `${'x'.repeat(120)}... (6500 bytes)`);
  });

  it('keep code, operation and key when Node-RED copies their own properties', () => {
    const error = new StateStoreError('TIMEOUT', 'too late', { operation: 'get', key: 'k' });
    assert.deepEqual({ ...error }, { name: 'StateStoreError', code: 'TIMEOUT', operation: 'get', key: 'k' });
  });
});
