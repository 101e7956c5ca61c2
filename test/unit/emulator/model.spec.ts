import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StateStoreEngine } from '../../../src/emulator/engine';
import type { EngineOutput } from '../../../src/emulator/store/engine-request';
import type { Command } from '../../../src/protocol/commands';
import { encodeCommand } from '../../support/encode-command';
import { Model, START, type Step, stamp, step } from '../../support/store-model';

function commandOf(one: Extract<Step, { key: string }>): Command {
  const name = Buffer.from(one.key);
  switch (one.do) {
    case 'get':
      return { verb: 'GET', key: name };
    case 'observe':
      return { verb: 'KEYNOTIFY', key: name, stop: one.stop };
    case 'delete':
      return one.value === undefined
        ? { verb: 'DEL', key: name }
        : { verb: 'VDEL', key: name, value: Buffer.from(one.value) };
    case 'set':
      return {
        verb: 'SET',
        key: name,
        value: Buffer.from(one.value),
        ...(one.condition && { condition: one.condition }),
        ...(one.expiryMs !== undefined && { expiryMs: one.expiryMs }),
      };
  }
}

describe('Engine against a model', () => {
  it('answers and notifies the same, in thousands of random sequences', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const engine = new StateStoreEngine();
        const model = new Model();
        for (const one of steps) {
          model.told = [];
          const expected = model.run(one);
          if (one.do === 'wait') continue;
          let output: EngineOutput | undefined;
          const notifications = one.do === 'leave' ? engine.expire(model.now, model.now) : [];
          if (one.do === 'leave') {
            engine.forget(one.client);
          } else {
            const token = 'fence' in one && one.fence !== undefined ? stamp(START + one.fence) : undefined;
            const payload = encodeCommand(commandOf(one));
            output = engine.execute(
              { clientId: one.client, payload, timestamp: stamp(model.now), fencingToken: token },
              model.now,
              model.now,
            );
            assert.equal(output.response.payload.toString(), expected);
          }
          const told = [...notifications, ...(output?.notifications ?? [])].map(
            ({ clientId, key: name, payload }) => {
              const words = payload.toString().split('\r\n');
              return `${clientId} ${name} ${words[4]}${words[4] === 'SET' ? ` ${words[8]}` : ''}`;
            },
          );
          assert.deepEqual(told.sort(), model.told.sort());
          assert.equal(engine.size, model.entries.size);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
