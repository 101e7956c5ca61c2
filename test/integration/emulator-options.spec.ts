/** What `Emulator.start` does with wrong options, and what an emulator that never listened leaves behind. */
import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { createServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Emulator, type EmulatorOptions } from '../../src/emulator/index';
import { StateStoreError } from '../../src/index';
import { freePort } from '../support/ports';

/** Runs the action and returns how many timers it made. */
async function timersOf(action: () => unknown): Promise<number> {
  let timers = 0;
  // Mocha makes one of its own when a test has returned its promise.
  await nextTurn();
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'Timeout') timers++;
    },
  }).enable();
  try {
    await action();
  } finally {
    hook.disable();
  }
  return timers;
}

describe('The options of an emulator', () => {
  const wrong: [options: object, message: RegExp][] = [
    [{ port: '1883' }, /^port must be a whole number from 0 to 65535, not "1883"\.$/],
    [{ port: -1 }, /^port must be/],
    [{ port: 65_536 }, /^port must be/],
    [{ port: Number.NaN }, /^port must be a whole number from 0 to 65535, not NaN\.$/],
    [{ port: null }, /^port must be/],
    [{ host: '' }, /^host must not be blank\.$/],
    [{ host: 127 }, /^host must be a string, not 127\.$/],
    [{ file: '' }, /^file must not be blank\.$/],
    [{ file: 1 }, /^file must be a string/],
    [{ tls: true }, /^tls must be an object, not true\.$/],
    [{ tls: { cert: 'c' } }, /^tls\.key is missing\.$/],
    [{ tls: { key: 'k' } }, /^tls\.cert is missing\.$/],
    [{ tls: { cert: 1, key: 'k' } }, /^tls\.cert must be a string or bytes, not number\.$/],
    [{ tls: { cert: 'c', key: 'k', passphrase: 'p' } }, /^tls\.passphrase is not a known option\.$/],
    [{ load: { key: 'k' } }, /^load must be an array\.$/],
    [{ load: [{ key: 'k', value: Buffer.alloc(0) }] }, /^load\[0\]\.key must be a Buffer\.$/],
    [{ load: [{ key: Buffer.from('k') }] }, /^load\[0\] must have a key and a value\.$/],
    [{ rules: 'spec: {}' }, /^rules must be the result of EmulatorRules\.parse\.$/],
    [{ keyQuota: -1 }, /^keyQuota must be a whole number from 0, not -1\.$/],
    [{ keyQuota: 1.5 }, /^keyQuota must be a whole number from 0, not 1\.5\.$/],
    [{ scan: 'no' }, /^scan must be true or false, not "no"\.$/],
    [{ maximumPacketSize: 0 }, /^maximumPacketSize must be a whole number from 1 to 268435460, not 0\.$/],
    [{ maximumPacketSize: 2 ** 30 }, /^maximumPacketSize must be/],
    [{ receiveMaximum: 0 }, /^receiveMaximum must be a whole number from 1 to 65535, not 0\.$/],
    [{ recogniseRepeats: 1 }, /^recogniseRepeats must be true or false, not 1\.$/],
    [{ now: 0 }, /^now must be a function that returns milliseconds, not 0\.$/],
    [{ elapsed: 0 }, /^elapsed must be a function/],
    [{ prot: 1883 }, /^prot is not a known option\.$/],
  ];
  for (const [options, message] of wrong)
    it(`are refused by name: ${JSON.stringify(options)} (${message.source})`, async () => {
      await assert.rejects(
        Emulator.start({ port: 0, ...options } as EmulatorOptions).then((emulator) => emulator.close()),
        (error) =>
          error instanceof StateStoreError && error.code === 'BAD_ARGUMENT' && message.test(error.message),
      );
    });

  it('must be an object', async () => {
    await assert.rejects(Emulator.start(1883 as EmulatorOptions), {
      ...{ code: 'BAD_ARGUMENT', message: 'options must be an object, not 1883.' },
    });
  });
});

describe('An emulator that never listens', () => {
  it('has no timer', async () => {
    assert.equal(await timersOf(() => Reflect.construct(Emulator, [{}])), 0);
  });

  it('leaves no timer behind if its port is taken', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    try {
      const timers = await timersOf(() =>
        assert.rejects(Emulator.start({ port, host: '127.0.0.1' }), { code: 'EADDRINUSE' }),
      );
      assert.equal(timers, 0);
    } finally {
      other.close();
    }
  });

  it('begins to drop expired data when it listens', async () => {
    const timers = await timersOf(async () => {
      await (await Emulator.start({ port: 0 })).close();
    });
    assert.equal(timers, 1);
  });
});
