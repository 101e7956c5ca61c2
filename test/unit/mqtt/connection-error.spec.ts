import assert from 'node:assert/strict';
import { attemptError } from '../../../src/mqtt/attempt-error';
import { Backoff, pauseBefore } from '../../../src/mqtt/backoff';
import {
  type ConnectionReason,
  type ConnectionRetry,
  endedBy,
  refusedBy,
} from '../../../src/mqtt/connection-error';

const ADDRESS = { host: 'broker', port: 8883 };

describe('Reasons why there is no connection', () => {
  const cases: [number, ConnectionReason, ConnectionRetry][] = [
    [0x80, 'brokerBusy', 'soon'],
    [0x83, 'brokerBusy', 'soon'],
    [0x84, 'loginRefused', 'slowly'],
    [0x85, 'clientIdInvalid', 'slowly'],
    [0x86, 'badCredentials', 'slowly'],
    [0x87, 'notAuthorized', 'slowly'],
    [0x88, 'brokerBusy', 'soon'],
    [0x89, 'brokerBusy', 'soon'],
    [0x8a, 'notAuthorized', 'slowly'],
    [0x8b, 'brokerBusy', 'soon'],
    [0x8c, 'badCredentials', 'slowly'],
    [0x8e, 'takenOver', 'never'],
    [0x97, 'brokerBusy', 'soon'],
    [0x9f, 'brokerBusy', 'soon'],
  ];
  for (const [code, reason, retry] of cases) {
    it(`0x${code.toString(16)} is ${reason}: try again ${retry}`, () => {
      const cause = Object.assign(new Error('Connection refused'), { code });
      const circumstances = { address: ADDRESS, progress: 'login', tls: undefined } as const;
      for (const error of [refusedBy('broker:8883', code), attemptError(cause, circumstances)]) {
        const expected = retry === 'soon' ? 'NOT_CONNECTED' : 'REFUSED';
        assert.deepEqual([error.reason, error.retry, error.code], [reason, retry, expected]);
        assert.match(
          error.message,
          new RegExp(
            `^The broker at broker:8883 refused the connection: .*\\(0x${code.toString(16)}\\)\\. [A-Z].*\\.$`,
          ),
        );
      }
    });
  }
});

describe('Reasons why a connection ended', () => {
  const cases: [number, ConnectionReason, ConnectionRetry][] = [
    [0x00, 'lost', 'soon'],
    [0x81, 'lost', 'soon'],
    [0x82, 'lost', 'soon'],
    [0x87, 'notAuthorized', 'slowly'],
    [0x8b, 'brokerBusy', 'soon'],
    [0x8e, 'takenOver', 'never'],
    [0x93, 'brokerBusy', 'soon'],
    [0x95, 'lost', 'soon'],
    [0x9c, 'lost', 'soon'],
    [0x9d, 'lost', 'soon'],
  ];
  for (const [code, reason, retry] of cases) {
    it(`0x${code.toString(16)} is ${reason}: try again ${retry}`, () => {
      const error = endedBy('broker:8883', code);
      assert.deepEqual([error.reason, error.retry], [reason, retry]);
      assert.match(error.message, /^The broker at broker:8883 ended the connection: .*\. [A-Z].*\.$/);
    });
  }
});

describe('Pauses between attempts', () => {
  it('double from 125 ms to 60 s, of which a random half is taken off', () => {
    const longest = (attempt: number) => pauseBefore(attempt, () => 0);
    assert.deepEqual(
      [0, 1, 2, 3, 8, 9, 10, 1000].map(longest),
      [125, 250, 500, 1000, 32_000, 60_000, 60_000, 60_000],
    );
    assert.equal(
      pauseBefore(3, () => 1),
      500,
    );
  });

  it('begin with the shortest again after a connection that lasted, not after one that was ended at once', () => {
    const backoff = new Backoff();
    const failed = (now: number) => backoff.failed('soon', now, false, () => 0);
    assert.deepEqual([failed(0), failed(0), failed(0)], [125, 250, 500]);
    backoff.connected(1000);
    assert.equal(failed(1200), 1000);
    backoff.connected(2000);
    assert.equal(failed(2300), 125);
  });

  it('do not grow beyond a second while short connections serve requests, and go on from there when one does not', () => {
    const backoff = new Backoff();
    const failed = (served: boolean) => {
      backoff.connected(0);
      return backoff.failed('soon', 10, served, () => 0);
    };
    const pauses = [true, true, true, true, true, true, false, false].map(failed);
    assert.deepEqual(pauses, [125, 250, 500, 1000, 1000, 1000, 2000, 4000]);
  });

  it('are long when a person has to change something, and do not make the next short one longer', () => {
    const backoff = new Backoff();
    assert.equal(
      backoff.failed('slowly', 0, false, () => 1),
      30_000,
    );
    assert.equal(
      backoff.failed('soon', 0, false, () => 0),
      125,
    );
  });
});
