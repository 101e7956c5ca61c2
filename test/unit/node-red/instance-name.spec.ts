import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import type { NodeAPI } from 'node-red';
import { instanceName } from '../../../src/node-red/words/instance-name';

describe('The name of an instance', () => {
  const nameWith = (settings: object) => instanceName({ settings } as unknown as NodeAPI);

  it('distinguishes instances on one computer by their ports', () => {
    assert.equal(nameWith({ uiPort: 1880 }), `${hostname()}:1880`);
    assert.equal(nameWith({ uiPort: '1881' }), `${hostname()}:1881`);
  });

  it('is the name of the computer if there is no port', () => {
    assert.equal(nameWith({}), hostname());
  });
});
