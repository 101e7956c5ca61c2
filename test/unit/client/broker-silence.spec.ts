import assert from 'node:assert/strict';
import { BrokerSilence, MAX_SILENCE_MS } from '../../../src/client/broker-silence';

describe('The silence of a broker', () => {
  /** A look each second. */
  const looks = (silence: BrokerSilence, from: number, to: number, received: number) => {
    let length = 0;
    for (let now = from; now <= to; now += 1000) length = silence.lengthMs(now, received, true);
    return length;
  };

  it('begins with a publish, and anything that comes ends it', () => {
    const silence = new BrokerSilence();
    silence.begin(1000, 50);
    assert.equal(looks(silence, 2000, 5000, 50), 4000);
    assert.equal(silence.lengthMs(6000, 51, true), 0);
    assert.equal(looks(silence, 7000, 9000, 51), 3000);
  });

  it('is none while no publish is unacknowledged', () => {
    const silence = new BrokerSilence();
    silence.begin(0, 0);
    assert.equal(looks(silence, 1000, 3000, 0), 3000);
    assert.equal(silence.lengthMs(4000, 0, false), 0);
    assert.equal(silence.lengthMs(5000, 0, true), 1000);
  });

  it('is not counted while this process itself was paused', () => {
    const silence = new BrokerSilence();
    silence.begin(0, 0);
    silence.lengthMs(1000, 0, true);
    assert.equal(silence.lengthMs(60_000, 0, true), 0);
  });

  it('may last five seconds, or four round trips, or as long as the sending takes', () => {
    const silence = new BrokerSilence();
    assert.equal(silence.limitMs(0), MAX_SILENCE_MS);
    silence.learn(2000);
    assert.equal(silence.roundTripMs, 2000);
    assert.equal(silence.limitMs(0), 8000);
    silence.learn(400);
    assert.equal(silence.roundTripMs, 1800);
    assert.equal(silence.limitMs(10_000_000), 40_000);
    assert.equal(silence.limitMs(1_000_000_000), 60_000);
  });

  it('may last one second, or four round trips, after the timeout of a write, if the round trip is known', () => {
    const silence = new BrokerSilence();
    assert.equal(silence.limitAfterTimeoutMs(0), MAX_SILENCE_MS);
    silence.learn(20);
    assert.equal(silence.limitAfterTimeoutMs(0), 1000);
    assert.equal(silence.limitAfterTimeoutMs(10_000_000), 40_000);
    silence.learn(4020);
    assert.equal(silence.limitAfterTimeoutMs(0), 2080);
  });
});
