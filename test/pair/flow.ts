/** The flows of a highly available pair: whichever instance is active writes a number every 100 ms, with its fencing token. */

export const ACTED_KEY = 'pair/acted';
/** Lease of the role, in seconds. */
export const LEASE_S = 2;

/** A reference to a variable of the environment, as Node-RED writes it. */
const variable = (name: string) => ['$', '{', name, '}'].join('');

/** The port of the broker is a variable, because each instance reaches the broker through a proxy of its own. */
export function pairFlows(title: string): object[] {
  const node = (id: string, type: string, wires: string[], more: object) => ({
    ...{ id, type, z: 'pair', name: '', x: 200, y: 100, wires: [wires] },
    ...more,
  });
  return [
    { id: 'pair', type: 'tab', label: title },
    {
      id: 'plant',
      type: 'statestore-config',
      name: 'Plant store',
      host: '127.0.0.1',
      port: variable('BROKER_PORT'),
    },
    node('tick', 'inject', ['role'], { repeat: '0.1', once: true, onceDelay: '0.1', props: [] }),
    node('role', 'statestore-leader', ['act'], {
      ...{ store: 'plant', role: 'role/pair', lease: String(LEASE_S), candidate: '', outputs: 1 },
    }),
    node('act', 'function', ['set'], {
      func: `const acts = (global.get('acts') || 0) + 1;
global.set('acts', acts);
msg.payload = { by: env.get('INSTANCE'), token: msg.fencingToken, at: Date.now() };
return msg;`,
      outputs: 1,
    }),
    node('set', 'statestore-set', [], {
      ...{ store: 'plant', key: ACTED_KEY, keyType: 'str', value: 'payload', valueType: 'msg' },
      ...{ condition: '', expiry: '', expiryType: 'num', expiryUnit: 's' },
      ...{ fencingToken: 'fencingToken', fencingTokenType: 'msg', outputs: 1 },
    }),
    // Errors are expected while connections are cut. Nothing has to be done about them.
    node('catch', 'catch', [], { scope: null, uncaught: false }),
  ];
}
