/** Requests from pages of other sites. */
import assert from 'node:assert/strict';
import { isForeign } from '../../../../src/node-red/sidebar/foreign';

describe('A request to an endpoint', () => {
  const hosts = ['edge:1880', undefined];
  for (const [what, source, foreign] of [
    ['of a program without a browser', { hosts }, false],
    ['of the same page, as its browser says', { site: 'same-origin', hosts: [] }, false],
    ['that a person entered', { site: 'none', hosts }, false],
    ['of another site, as its browser says', { site: 'cross-site', hosts }, true],
    ['of another port of the same site', { site: 'same-site', origin: 'http://edge:1880', hosts }, true],
    ['of the same origin', { origin: 'http://edge:1880', hosts }, false],
    ['of another port', { origin: 'http://edge:8080', hosts }, true],
    ['of another host', { origin: 'https://evil.example', hosts }, true],
    ['of a page without an origin, as a sandbox or a file', { origin: 'null', hosts }, true],
    ['through a proxy that drops the port', { origin: 'http://edge:8080', hosts: ['edge'] }, false],
    ['through a proxy that names the host', { origin: 'http://edge', hosts: ['10.0.0.1', 'edge'] }, false],
  ] as const) {
    it(`${what} is ${foreign ? 'foreign' : 'not foreign'}`, () => {
      assert.equal(isForeign(source), foreign);
    });
  }
});
