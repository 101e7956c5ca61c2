import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Node } from 'node-red';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { FaultProxy } from '../support/fault-proxy';
import { DEFAULTS, handle, helper, NODES } from '../support/flow';

describe('Three update nodes on one key while connections are cut', () => {
  const IDS = [0, 1, 2];
  const MESSAGES = 500;
  /** On their way at a time in each node, so that cuts meet messages in every state. */
  const AT_A_TIME = 40;

  for (const [name, settings] of [
    ['the broker keeps sessions', {}],
    ['sessions are lost with the connection', { sessionExpiry: 0 }],
  ] as const) {
    it(`apply each message that leaves exactly once, when ${name}`, async () => {
      const emulator = await Emulator.start({ port: 0 });
      const proxy = await FaultProxy.start(() => emulator.port);
      const watcher = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
      await helper.load(NODES, [
        { id: 'tab', type: 'tab', label: 'test' },
        ...IDS.flatMap((id) => [
          {
            ...{ id: `store${id}`, type: 'statestore-config', host: '127.0.0.1', port: proxy.port },
            ...{ timeout: 60, ...settings },
          },
          {
            ...DEFAULTS['statestore-update'],
            ...{ id: `n${id}`, type: 'statestore-update', z: 'tab', x: 0, y: 0, wires: [[]] },
            ...{ store: `store${id}`, key: 'count', duration: '2' },
          },
        ]),
      ] as never);
      const codes: Record<string, number> = {};
      const values: number[] = [];
      /** Sends one message; resolves when it has left or failed. */
      const count = async (node: Node): Promise<void> => {
        const msg = { _msgid: randomUUID(), payload: 'a piece' as unknown };
        const said: string[] = [];
        await new Promise<void>((resolve) => {
          const say = (code: string) => {
            said.push(code);
            resolve();
          };
          handle(
            node,
            msg,
            () => say('sent'),
            (error) => error && say(error.code),
          );
        });
        const [code] = said as [string];
        codes[code] = (codes[code] ?? 0) + 1;
        if (code === 'sent') values.push(msg.payload as number);
      };
      proxy.delay = 15;
      // Not more often: after less than a second of success the next attempt to connect waits longer.
      const cuts = setInterval(() => proxy.cut(), 1300);
      await Promise.all(
        IDS.map(async (id) => {
          const node = helper.getNode(`n${id}`) as unknown as Node;
          let left = MESSAGES;
          const worker = async () => {
            while (left-- > 0) await count(node);
          };
          await Promise.all(Array.from({ length: AT_A_TIME }, worker));
        }),
      ).finally(() => clearInterval(cuts));
      const got = await watcher.get('count');
      const final = Number(got.found && got.value);
      console.log(`        ${final} counted, ${JSON.stringify(codes)}, ${proxy.accepted} connections`);
      const { sent: left = 0, OUTCOME_UNKNOWN: unknown = 0, ...others } = codes;
      assert.deepEqual(others, {});
      assert.equal(left + unknown, IDS.length * MESSAGES);
      assert.ok(
        final >= left && final <= left + unknown,
        `${final} is not from ${left} to ${left + unknown}`,
      );
      assert.equal(new Set(values).size, left, 'no two messages were told the same count');
      assert.ok(proxy.accepted > IDS.length, 'connections were cut');
      await helper.unload();
      await watcher.close();
      await proxy.close();
      await emulator.close();
    });
  }
});
