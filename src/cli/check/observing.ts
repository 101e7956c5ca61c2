/** KEYNOTIFY and notifications. */
import type { KeyChange } from '../../client/observation';
import { notificationFilter } from '../../protocol/topics';
import { Difference, expect } from './outcome';
import type { Point } from './point';
import type { Scratch } from './scratch';

const EXPIRY_MS = 500;
/** How long a notification may take. */
const PATIENCE_MS = 5000;

export const observing: readonly Point[] = [
  {
    id: 'observe-set',
    title: 'Observing: SET',
    async check(scratch) {
      const { store } = scratch;
      const key = scratch.key('observe-set');
      const changes = await observed(scratch, key, 'SET', () => store.set(key, 'new'));
      expect(changes.operation === 'set', 'a SET was reported as a delete');
      expect(changes.value.toString() === 'new', 'the notification of a SET has another value');
      return '';
    },
  },
  {
    id: 'observe-delete',
    title: 'Observing: DEL',
    async check(scratch) {
      const { store } = scratch;
      const key = scratch.key('observe-delete');
      await store.set(key, '1');
      const change = await observed(scratch, key, 'DEL', () => store.delete(key));
      expect(change.operation === 'delete', 'a DEL was reported as a set');
      return '';
    },
  },
  {
    id: 'observe-vdel',
    title: 'Observing: VDEL',
    async check(scratch) {
      const { store } = scratch;
      const key = scratch.key('observe-vdel');
      await store.set(key, '1');
      const change = await observed(scratch, key, 'VDEL', () => store.deleteIfValue(key, '1'));
      expect(change.operation === 'delete', 'a VDEL was reported as a set');
      return '';
    },
  },
  {
    id: 'observe-expiry',
    title: 'Observing: expiry',
    async check(scratch) {
      const { store } = scratch;
      const key = scratch.key('observe-expiry');
      await store.set(key, '1', { expiry: EXPIRY_MS });
      const change = await observed(scratch, key, 'an expiry', async () => undefined);
      expect(change.operation === 'delete', 'an expiry was reported as a set');
      return '';
    },
  },
];

/** The store does not notify, or a broker that granted the subscription does not deliver it. */
function notNotified(cause: string, clientId: string): string {
  return `no notification of ${cause} within ${PATIENCE_MS} ms. The access rules of the broker may keep the topic ${notificationFilter(clientId)} from this client`;
}

/** The first change that is reported after `act`. */
async function observed(
  { store }: Scratch,
  key: string,
  cause: string,
  act: () => Promise<unknown>,
): Promise<KeyChange> {
  const observation = await store.observe(key);
  const late = setTimeout(() => void observation.close(), PATIENCE_MS);
  try {
    await act();
    for await (const change of observation) return change;
    const lost = await observation.closed;
    throw lost ?? new Difference(notNotified(cause, store.clientId));
  } finally {
    clearTimeout(late);
    await observation.close();
  }
}
