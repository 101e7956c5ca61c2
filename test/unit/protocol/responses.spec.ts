import assert from 'node:assert/strict';
import type { ServiceErrorCode } from '../../../src/errors';
import { ServiceError } from '../../../src/protocol/errors';
import {
  parseDeleteReply,
  parseGetReply,
  parseObserveReply,
  parseSetReply,
  reply,
} from '../../../src/protocol/responses';

const from = (text: string) => Buffer.from(text);

describe('Responses', () => {
  it('are written as the protocol shows them', () => {
    assert.equal(reply.ok.toString(), '+OK\r\n');
    assert.equal(reply.notApplied.toString(), ':-1\r\n');
    assert.equal(reply.missing.toString(), '$-1\r\n');
    assert.equal(reply.count(1).toString(), ':1\r\n');
    assert.equal(reply.value(from('1234')).toString(), '$4\r\n1234\r\n');
    assert.equal(reply.error('syntax error').toString(), '-ERR syntax error\r\n');
  });

  it('to SET are applied or not', () => {
    assert.equal(parseSetReply(from('+OK\r\n')), true);
    assert.equal(parseSetReply(from(':-1\r\n')), false);
    assert.equal(parseSetReply(from('-1\r\n')), false);
  });

  it('to GET are a value, an empty value or none', () => {
    assert.deepEqual(parseGetReply(from('$4\r\n1234\r\n')), from('1234'));
    assert.deepEqual(parseGetReply(from('$0\r\n\r\n')), Buffer.alloc(0));
    assert.equal(parseGetReply(from('$-1\r\n')), null);
  });

  it('to DEL and VDEL are deleted, missing or different', () => {
    assert.equal(parseDeleteReply(from(':1\r\n')), 'deleted');
    assert.equal(parseDeleteReply(from(':6\r\n')), 'deleted');
    assert.equal(parseDeleteReply(from(':0\r\n')), 'missing');
    assert.equal(parseDeleteReply(from(':-1\r\n')), 'different');
  });

  it('to KEYNOTIFY are done or so already', () => {
    assert.equal(parseObserveReply(from('+OK\r\n')), true);
    assert.equal(parseObserveReply(from(':0\r\n')), false);
  });

  for (const [name, parse, payloads] of [
    ['SET', parseSetReply, [':0\r\n', ':1\r\n', '$2\r\nOK\r\n', '+FINE\r\n', '+hello world\r\n', '']],
    ['GET', parseGetReply, ['+OK\r\n', ':1\r\n', '$5\r\nabc\r\n', '$1000000000\r\nabc\r\n']],
    ['DEL', parseDeleteReply, ['+OK\r\n', ':-2\r\n', '$1\r\n1\r\n']],
    ['KEYNOTIFY', parseObserveReply, [':1\r\n', ':-1\r\n', '$-1\r\n']],
  ] as const) {
    for (const payload of payloads) {
      it(`${JSON.stringify(payload)} does not answer ${name}, and the error says whose answer it was`, () => {
        assert.throws(() => parse(from(payload), { operation: 'set', key: 'k1' }), {
          code: 'BAD_RESPONSE',
          operation: 'set',
          key: 'k1',
          message: /^The response to set for key k1 is not valid\. .*may or may not have been applied/,
        });
      });
    }
  }

  const texts: Record<ServiceErrorCode, string[]> = {
    TIMESTAMP_SKEW: [
      'the request timestamp is too far in the future; ensure that the client and broker system clocks are synchronized',
    ],
    FENCING_TOKEN_REQUIRED: ['a fencing token is required for this request'],
    FENCING_TOKEN_SKEW: [
      'the request fencing token timestamp is too far in the future; ensure that the client and broker system clocks are synchronized',
    ],
    FENCING_TOKEN_LOWER_VERSION: [
      'the request fencing token is a lower version than the fencing token protecting the resource',
      'the request fencing token is a lower version that the fencing token protecting the resource',
    ],
    QUOTA_EXCEEDED: ['the quota has been exceeded'],
    SYNTAX_ERROR: ['syntax error'],
    NOT_AUTHORIZED: ['not authorized'],
    UNKNOWN_COMMAND: ['unknown command'],
    WRONG_NUMBER_OF_ARGUMENTS: ['wrong number of arguments'],
    TIMESTAMP_MISSING: ['missing timestamp'],
    TIMESTAMP_MALFORMED: ['malformed timestamp'],
    KEY_LENGTH_ZERO: ['the key length is zero'],
    UNKNOWN: ['the moon is full', ''],
  };
  for (const [code, wordings] of Object.entries(texts)) {
    for (const text of wordings) {
      it(`-ERR ${text || '(nothing)'} is ${code}, with key, operation and advice`, () => {
        for (const prefix of ['-ERR ', '-ERR: ']) {
          assert.throws(
            () => parseSetReply(from(`${prefix}${text}\r\n`), { operation: 'set', key: 'k1' }),
            (error: unknown) => {
              assert.ok(error instanceof ServiceError);
              assert.equal(error.code, code);
              assert.equal(error.text, text);
              assert.deepEqual(Object.keys(error).sort(), [
                'applied',
                'code',
                'key',
                'name',
                'operation',
                'retryable',
                'text',
              ]);
              assert.match(error.message, /^[A-Z].+: the state store refused to set key k1\. [A-Z].+\.$/);
              return true;
            },
          );
        }
      });
    }
  }
});
