import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { badSetting, LABELS } from '../../../../src/node-red/store/setting-reader';
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
});
