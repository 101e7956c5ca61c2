/** How a changed token reaches the broker; no sockets and no files. */
import assert from 'node:assert/strict';
import { Reauthentication } from '../../../src/mqtt/reauthentication';

describe('Re-authentication', () => {
  let sent: string[];
  let dropped: string[];
  let able: boolean;
  let reauthentication: Reauthentication;
  const bearer = {
    reauthenticate: (token: Buffer) => {
      if (able) sent.push(String(token));
      return able;
    },
    drop: (why: string) => dropped.push(why),
  };
  const token = (text: string) => Buffer.from(text);
  const logIn = (text: string) => {
    reauthentication.begin();
    reauthentication.loggingIn(token(text));
  };

  beforeEach(() => {
    sent = [];
    dropped = [];
    able = true;
    reauthentication = new Reauthentication(50);
  });
  afterEach(() => reauthentication.stop());

  it('sends a token that changes on the live connection, and the newest one after the answer', () => {
    logIn('1');
    reauthentication.connected(bearer);
    reauthentication.changed(token('2'));
    reauthentication.changed(token('3'));
    reauthentication.changed(token('4'));
    assert.deepEqual(sent, ['2']);
    reauthentication.answered(0);
    assert.deepEqual(sent, ['2', '4']);
    reauthentication.answered(0);
    assert.deepEqual([sent, reauthentication.hasNewToken], [['2', '4'], false]);
  });

  it('sends a token that changed during the login when there is a connection, unless it is the token of the login', () => {
    logIn('1');
    reauthentication.changed(token('2'));
    assert.deepEqual([sent, reauthentication.hasNewToken], [[], true]);
    reauthentication.connected(bearer);
    assert.deepEqual(sent, ['2']);
    reauthentication.ended();
    reauthentication.begin();
    reauthentication.changed(token('3'));
    reauthentication.loggingIn(token('3'));
    reauthentication.connected(bearer);
    assert.deepEqual([sent, reauthentication.hasNewToken], [['2'], false]);
  });

  it('sends the token again when the broker asked to wait', async () => {
    logIn('1');
    reauthentication.connected(bearer);
    reauthentication.changed(token('2'));
    reauthentication.answered(0x18);
    assert.deepEqual(sent, ['2']);
    while (sent.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(sent, ['2', '2']);
  });

  it('sends a newer token at once when the broker asked to wait', () => {
    logIn('1');
    reauthentication.connected(bearer);
    reauthentication.changed(token('2'));
    reauthentication.answered(0x18);
    reauthentication.changed(token('3'));
    assert.deepEqual(sent, ['2', '3']);
  });

  it('gives the connection up without an answer, or without a way to send the token', async () => {
    logIn('1');
    reauthentication.connected(bearer);
    reauthentication.changed(token('2'));
    while (dropped.length < 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.match(dropped[0] ?? '', /did not answer/);
    reauthentication.ended();
    logIn('2');
    reauthentication.connected(bearer);
    able = false;
    reauthentication.changed(token('3'));
    assert.match(dropped[1] ?? '', /needs a new login/);
  });

  it('has a new token for the next login when there is no connection, and sends nothing', () => {
    logIn('1');
    reauthentication.ended();
    reauthentication.changed(token('2'));
    assert.deepEqual([sent, reauthentication.hasNewToken], [[], true]);
    reauthentication.begin();
    assert.equal(reauthentication.hasNewToken, false);
  });
});
