import assert from 'node:assert/strict';
import { Secret } from '../../../src/storage/secret';

describe('The secret of flows in the store', () => {
  const secret = new Secret('long enough');

  it('is proved by a value that does not contain it', () => {
    const check = secret.makeCheck();
    assert.ok(!check.includes('long enough'));
    assert.ok(new Secret('long enough').matches(check));
    assert.ok(!new Secret('another').matches(check));
    assert.ok(!secret.matches(Buffer.from('{}')));
  });

  it('encrypts sessions, and notices a changed byte and another secret', () => {
    const bytes = secret.encrypt({ token: 'abc' });
    assert.ok(!bytes.includes('abc'));
    assert.deepEqual(new Secret('long enough').decrypt(bytes), { token: 'abc' });
    const refused = { code: 'BAD_RESPONSE', retryable: false };
    assert.throws(() => new Secret('another').decrypt(bytes), refused);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    assert.throws(() => secret.decrypt(bytes), refused);
  });

  it('takes over credentials that Node-RED encrypted with another secret', () => {
    const before = new Secret('generated').encryptCredentials('{"broker":{"user":"u"}}');
    const after = secret.reencrypt(before, 'generated');
    assert.notDeepEqual(after, before);
    assert.deepEqual(Object.keys(after), ['$']);
    assert.throws(() => secret.reencrypt(before, 'wrong'));
    assert.doesNotThrow(() => new Secret('x').reencrypt(after, 'long enough'));
  });
});
