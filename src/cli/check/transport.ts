/** Limits and hints of the broker, which the requests of the other points have shown. */
import { hexOf, ReasonCode } from '../../reason-codes';
import { Difference, expect, NotChecked } from './outcome';
import type { Point } from './point';

/** Largest value that is tried. */
const MAX_TRIED_BYTES = 2 ** 20;
/** Room for the key and the properties of the packet. */
const PACKET_ROOM_BYTES = 2048;

export const transport: readonly Point[] = [
  {
    id: 'packet-limit',
    title: 'Largest packet',
    async check({ store, key }) {
      const limit = store.maximumPacketSize;
      const length = Math.max(0, Math.min(MAX_TRIED_BYTES, limit - PACKET_ROOM_BYTES));
      const value = Buffer.alloc(length, 'packet ');
      await store.set(key('packet-limit'), value);
      const got = await store.get(key('packet-limit'));
      expect(got.found && got.value.equals(value), `a value of ${length} bytes came back as another value`);
      return `the broker takes packets of ${limit} bytes; a value of ${length} bytes was tried`;
    },
  },
  {
    id: 'back-pressure',
    title: 'Back-pressure (PUBACK)',
    async check({ store }) {
      const { rejected } = store.metrics;
      const seen = [...rejected].map(([code, count]) => `${hexOf(code)} ${count} times`).join(', ');
      const others = [...rejected.keys()].some((code) => code !== ReasonCode.QUOTA_EXCEEDED);
      if (others) throw new Difference(`the broker rejected publishes with ${seen}`);
      return seen === '' ? 'no publish was rejected' : `the broker had no room: ${seen}. All were sent again`;
    },
  },
  {
    id: 'token',
    title: 'Re-authentication',
    async check({ store }) {
      const { tokenExpiresAt } = store.metrics;
      if (tokenExpiresAt === undefined) throw new NotChecked('the login has no token with an expiry');
      const seconds = Math.round((tokenExpiresAt - Date.now()) / 1000);
      throw new NotChecked(`the token expires in ${seconds} s, and a new token in its file is used at once`);
    },
  },
];
