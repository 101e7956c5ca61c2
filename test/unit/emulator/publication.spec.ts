import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type IPublishPacket, parser } from 'mqtt-packet';
import { type Publication, publicationPacket } from '../../../src/emulator/mqtt/publication';
import { propertiesOf } from '../../support/publication-properties';

const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((one) => one !== '__proto__');
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((one) => Buffer.from(one));

describe('The packet of a publication', () => {
  it('is what another codec reads', () => {
    fc.assert(
      fc.property(
        fc.record({
          kind: fc.constantFrom(
            'answer' as const,
            'refusal' as const,
            'qosRefusal' as const,
            'notification' as const,
          ),
          topic: text,
          payload: bytes(300),
          packetId: fc.nat(65_535),
          identifier: fc.option(fc.integer({ min: 1, max: 268_435_455 }), { nil: undefined }),
          correlationData: fc.option(bytes(200), { nil: undefined }),
          messageExpiryInterval: fc.option(fc.nat(2 ** 32 - 1), { nil: undefined }),
          version: fc.option(text, { nil: undefined }),
        }),
        ({ packetId, identifier, ...parts }) => {
          const publication: Publication = { clientId: 'me', ...parts };
          const { topic, payload } = publication;
          const { userProperties: told, ...expected } = propertiesOf(publication);
          const reader = parser({ protocolVersion: 5 });
          const read: IPublishPacket[] = [];
          reader.on('packet', (one) => read.push(one as IPublishPacket));
          const identifiers = identifier === undefined ? [] : [identifier];
          reader.parse(publicationPacket(publication, packetId, identifiers).packet);
          const [one] = read;
          assert.ok(one && read.length === 1);
          assert.equal(one.topic, topic);
          assert.deepEqual(Buffer.from(one.payload), payload);
          assert.equal(one.qos, packetId > 0 ? 1 : 0);
          assert.equal(one.messageId ?? 0, packetId);
          const { userProperties, ...single } = one.properties ?? {};
          assert.deepEqual({ ...userProperties }, told);
          const si = identifier === undefined ? {} : { subscriptionIdentifier: identifier };
          assert.deepEqual({ ...single }, { ...expected, ...si });
        },
      ),
    );
  });
});
