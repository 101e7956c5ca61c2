/** docs/docker/compose.yaml: Docker is not run here, but the file is what Docker Compose reads, and its settings are what Node-RED loads. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import contextStore from '../../src/context';
import flowStorage from '../../src/storage';
import { ROOT } from '../support/node-red';

interface Service {
  build: { dockerfile_inline: string };
  environment?: Record<string, string>;
  ports?: string[];
  hostname?: string;
}

interface Compose {
  services: Record<string, Service>;
  configs: { settings: { content: string } };
}

describe('The Docker Compose file', () => {
  const compose = parse(readFileSync(join(ROOT, 'docs', 'docker', 'compose.yaml'), 'utf8'), {
    merge: true,
  }) as Compose;

  it('starts two instances with the same settings and names of their own, reachable from this machine only', () => {
    const { left, right } = compose.services;
    for (const service of [left, right]) {
      assert.match(service?.build.dockerfile_inline ?? '', /nodered\/node-red:4\.1/);
      assert.match(service?.environment?.NODE_RED_CREDENTIAL_SECRET ?? '', /:\?/, 'the secret may be blank');
      assert.ok(service?.ports?.every((port) => port.startsWith('127.0.0.1:')));
    }
    assert.notEqual(left?.hostname, right?.hostname);
  });

  it('has settings that the storage and the context store take', () => {
    const module = {
      exports: {} as { storageModule?: object; contextStorage?: { shared: { config: object } } },
    };
    const known: Record<string, unknown> = {
      '@edgestate/node-red-statestore/storage': flowStorage,
      '@edgestate/node-red-statestore/context': contextStore,
    };
    const env = { BROKER_HOST: 'broker', NODE_RED_CREDENTIAL_SECRET: 'secret' };
    new Function('module', 'require', 'process', compose.configs.settings.content)(
      module,
      (name: string) => known[name],
      { env },
    );
    assert.ok(module.exports.storageModule);
    assert.deepEqual(module.exports.contextStorage?.shared.config, { host: 'broker', port: 1883 });
  });
});
