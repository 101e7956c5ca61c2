/** The example with the last reading of each machine, with a node that reads one key, and a lock. */
import { loadExample } from './examples';

const EXAMPLE = '03 Remember the last reading of each machine';

/** `port`: of the emulator in the flow. */
export function machinesFlow(port: number) {
  const flow = loadExample(EXAMPLE, port);
  const z = flow.find(({ type }) => type === 'statestore-get')?.z;
  const store = flow.find(({ type }) => type === 'statestore-config')?.id;
  const at = { z, x: 600, store, wires: [[]] };
  const get = { property: 'payload', propertyType: 'msg', outputs: 1 };
  flow.push(
    {
      ...at,
      ...get,
      id: '5e1a300000000f01',
      type: 'statestore-get',
      y: 600,
      name: 'read the press',
      key: 'demo/machine/press',
      keyType: 'str',
    },
    {
      ...at,
      id: '5e1a300000000f02',
      type: 'statestore-lock',
      y: 660,
      name: '',
      key: 'demo/door',
      keyType: 'str',
      wait: '10',
      limit: '60',
      lease: '10',
      outputs: 1,
    },
  );
  return flow;
}
