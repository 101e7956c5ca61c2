import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeAPI } from 'node-red';
import { badSetting, LABELS } from '../../../../src/node-red/store/setting-reader';
import { readStoreSettings } from '../../../../src/node-red/store/store-options';
import { ROOT } from '../../../support/node-red';

const FILE = join(ROOT, 'nodes', 'locales', 'en-US', 'statestore-config.json');
const { label } = JSON.parse(readFileSync(FILE, 'utf8'))['statestore-config'];

describe('An error about a setting of a store', () => {
  it('names the label of the dialog', () => {
    for (const [name, text] of Object.entries(LABELS)) assert.equal(text, label[name]);
    assert.equal(
      badSetting('inFlightLimit', 'must be a number, not "x"').message,
      '"Max. in flight" of this store must be a number, not "x".',
    );
  });

  for (const [settings, message] of [
    [{ inFlightLimit: 0 }, '"Max. in flight" of this store must be a whole number from 1 to 65535, not 0.'],
    [{ queueLimit: 1.5 }, '"Max. queued" of this store must be a whole number from 1, not 1.5.'],
    [{ keepAlive: -1 }, '"Keep alive" of this store must be a whole number from 0 to 65535, not -1.'],
    [{ timeout: 0 }, 'The timeout of this store must be a number of seconds from 0.001 to 2147483, not "0".'],
    [{ clientId: 'a#' }, '"Client ID" of this store must not contain / + #, but is "a#".'],
    [
      { tls: 'files', certFile: '/c' },
      '"TLS" of this store needs a client certificate together with its key, or neither.',
    ],
    [
      { persistName: 'a\u0001' },
      '"Persist flag" of this store must not contain control characters or other characters that MQTT forbids.',
    ],
  ] as const) {
    it(`names it for a value out of range as well: ${JSON.stringify(settings)}`, () => {
      assert.throws(() => readStoreSettings(NO_NODES, settings, {}, () => undefined), {
        code: 'BAD_ARGUMENT',
        message,
      });
    });
  }
});

/** There are no other nodes. */
const NO_NODES = { nodes: { getNode: () => null } } as unknown as NodeAPI;
