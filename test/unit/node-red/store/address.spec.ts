/** Addresses as people paste them. */
import assert from 'node:assert/strict';
import { AddressError, readAddress } from '../../../../src/node-red/store/address';

describe('The host of a store', () => {
  for (const [text, address] of [
    ['broker', { host: 'broker' }],
    [' broker.plant.example ', { host: 'broker.plant.example' }],
    ['aio_broker', { host: 'aio_broker' }],
    ['broker:8883', { host: 'broker', port: 8883 }],
    ['192.168.1.5:1884', { host: '192.168.1.5', port: 1884 }],
    ['[::1]', { host: '::1' }],
    ['[fe80::1%eth0]:1883', { host: 'fe80::1%eth0', port: 1883 }],
    ['::1', { host: '::1' }],
    ['fe80::1', { host: 'fe80::1' }],
    ['mqtt://broker', { host: 'broker' }],
    ['MQTT://broker:1884/', { host: 'broker', port: 1884 }],
    ['tcp://broker:1884', { host: 'broker', port: 1884 }],
    ['mqtts://broker', { host: 'broker', tls: true }],
    ['ssl://[::1]:8883', { host: '::1', port: 8883, tls: true }],
  ] as const) {
    it(`may be ${JSON.stringify(text)}`, () => {
      assert.deepEqual(readAddress(text), address);
    });
  }

  for (const [text, words] of [
    ['http://broker', /begins with http:\/\/, but must be/],
    ['ws://broker:9001/mqtt', /begins with ws:\/\//],
    ['broker:99999', /has the port 99999/],
    ['broker/topic', /is not a host name/],
    ['two words', /is not a host name/],
    ['mqtt://line1:secret@broker', /contains a username or password/],
    ['line1:secret@broker', /contains a username or password/],
  ] as const) {
    it(`is not ${text.replace('secret', '***')}`, () => {
      assert.throws(
        () => readAddress(text),
        (error) =>
          error instanceof AddressError && words.test(error.message) && !error.message.includes('secret'),
      );
    });
  }
});
