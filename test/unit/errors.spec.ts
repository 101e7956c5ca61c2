import assert from 'node:assert/strict';
import { causeFirst, printableKey, StateStoreError } from '../../src/errors';
import { ConnectionError } from '../../src/mqtt/connection-error';

describe('Errors', () => {
  it('print keys that are text as text, others as hexadecimal, long ones shortened', () => {
    assert.equal(printableKey(Buffer.from('máquina/1')), 'máquina/1');
    assert.equal(printableKey(Buffer.from([0xff, 0x00])), '0xff00');
    assert.equal(printableKey(Buffer.from('a\nb')), '0x610a62');
    assert.equal(printableKey(Buffer.alloc(6500, 'x')), `${'x'.repeat(120)}... (6500 bytes)`);
  });

  it('keep code, facts, operation and key when Node-RED copies their own properties', () => {
    const error = new StateStoreError('TIMEOUT', 'Too late.', { operation: 'set', key: 'k' });
    assert.deepEqual(
      { ...error },
      {
        name: 'StateStoreError',
        code: 'TIMEOUT',
        applied: 'unknown',
        retryable: true,
        operation: 'set',
        key: 'k',
      },
    );
  });

  it('of a read never say that something may have been applied', () => {
    for (const operation of ['get', 'observe', 'unobserve'] as const)
      assert.equal(new StateStoreError('TIMEOUT', 'Too late.', { operation }).applied, 'no');
  });

  it('take the facts of their origin before those of their code', () => {
    const error = new StateStoreError('TIMEOUT', 'Not sent.', {
      operation: 'set',
      applied: 'no',
      retryable: false,
    });
    assert.deepEqual([error.applied, error.retryable], ['no', false]);
  });

  it('put the consequence after the cause, for any punctuation of the cause', () => {
    const cause = new ConnectionError(
      'fileUnreadable',
      'The CA file C:\\a. b\\ca.crt does not exist',
      'Check the path.',
    );
    const error = new StateStoreError('NOT_CONNECTED', causeFirst(cause, 'key a was not set'), { cause });
    assert.equal(
      error.message,
      'The CA file C:\\a. b\\ca.crt does not exist: key a was not set. Check the path.',
    );
    assert.deepEqual([cause.retryable, cause.applied, cause instanceof StateStoreError], [false, 'no', true]);
  });
});
