import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  isInvalidResponseTopic,
  notificationFilter,
  notificationTopic,
  REQUEST_TOPIC,
  responseTopic,
  topicKey,
  topicKeyOf,
} from '../../../src/protocol/topics';
import { key } from '../../support/arbitraries';

describe('Topics', () => {
  it('are those of the state store', () => {
    assert.equal(REQUEST_TOPIC, 'statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/command/invoke');
    assert.equal(responseTopic('me'), 'clients/me/services/statestore/_any_/command/invoke/response');
    assert.equal(
      notificationTopic('me', Buffer.from('key1')),
      'clients/statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/6D65/command/notify/6B657931',
    );
  });

  it('of a notification return the key to its client only', () => {
    fc.assert(
      fc.property(key, (one) => {
        const topic = notificationTopic('me', one);
        assert.equal(topicKeyOf(topic, notificationFilter('me')), topicKey(one));
        assert.deepEqual(Buffer.from(topicKey(one), 'hex'), one);
        assert.equal(topicKeyOf(topic, notificationFilter('you')), undefined);
        assert.ok(topic.startsWith(notificationFilter('me').slice(0, -1)));
      }),
    );
  });

  for (const clientId of ['', 'a/b', 'a+b', 'a#b', 'a\0b']) {
    it(`cannot be made for the client ID ${JSON.stringify(clientId)}`, () => {
      assert.throws(() => responseTopic(clientId), { code: 'BAD_ARGUMENT', message: /client ID/ });
    });
  }

  it('that a client must not ask for are recognised', () => {
    assert.equal(isInvalidResponseTopic(REQUEST_TOPIC), true);
    assert.equal(isInvalidResponseTopic(notificationFilter('me')), true);
    assert.equal(isInvalidResponseTopic(responseTopic('me')), false);
  });
});
