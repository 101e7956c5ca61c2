/** The manifests of docs/kubernetes: valid for Kubernetes, and enough for the nodes. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import { parseAllDocuments } from 'yaml';
import { Emulator, optionsFromEnvironment, Rules, StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { ROOT } from '../support/node-red';

interface Manifest {
  apiVersion: string;
  kind: string;
}

const text = (name: string) => readFileSync(join(ROOT, 'docs', 'kubernetes', name), 'utf8');
const manifests = parseAllDocuments(text('node-red.yaml')).map((one) => one.toJS() as Manifest);

describe('The Kubernetes manifests', () => {
  it('are valid', async () => {
    const core = await import('kubernetes-models/v1');
    const apps = await import('kubernetes-models/apps/v1');
    const kinds: Record<string, new (data: never) => { validate(): void }> = {
      ServiceAccount: core.ServiceAccount,
      PersistentVolumeClaim: core.PersistentVolumeClaim,
      Service: core.Service,
      Deployment: apps.Deployment,
    };
    for (const manifest of manifests) {
      const Kind = kinds[manifest.kind];
      assert.ok(Kind, `nothing validates a ${manifest.kind}`);
      new Kind(manifest as never).validate();
    }
    assert.deepEqual(manifests.map(({ kind }) => kind).sort(), Object.keys(kinds).sort());
    const wrong = { ...manifests[0], metadata: { name: 7 } };
    assert.throws(
      () => new core.ServiceAccount(wrong as never).validate(),
      'the validator lets anything pass',
    );
  });

  it('mount the token and the trust bundle where the variables point, with the right audience', () => {
    const { spec } = manifests.find(({ kind }) => kind === 'Deployment') as IDeployment;
    const pod = spec?.template.spec;
    const container = pod?.containers[0];
    const directory = mkdtempSync(join(tmpdir(), 'kubernetes-'));
    try {
      const variables = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
      for (const name of ['AIO_TLS_CA_FILE', 'AIO_SAT_FILE']) {
        const mount = container?.volumeMounts?.find(({ mountPath }) =>
          variables[name]?.startsWith(`${mountPath}/`),
        );
        assert.ok(mount, `${name} is in no volume`);
        const volume = pod?.volumes?.find((one) => one.name === mount.name);
        const token = volume?.projected?.sources?.[0]?.serviceAccountToken;
        if (name === 'AIO_SAT_FILE') {
          assert.equal(token?.audience, 'aio-internal');
          assert.equal(`${mount.mountPath}/${token?.path}`, variables[name]);
        } else {
          assert.equal(volume?.configMap?.name, 'azure-iot-operations-aio-ca-trust-bundle');
        }
      }
      const token = join(directory, 'token');
      writeFileSync(token, 'token');
      const options = optionsFromEnvironment({ ...variables, AIO_SAT_FILE: token });
      assert.equal(options.host, 'aio-broker.azure-iot-operations');
      assert.equal(options.port, 18_883);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('let the nodes do what the rule says, and no more', async () => {
    const users = 'users: [{ username: pod, password: p, attributes: { flows: node-red } }]\n';
    const emulator = await Emulator.start({
      port: 0,
      rules: Rules.parse(users + text('broker-authorization.yaml')),
    });
    const login = { host: '127.0.0.1', port: emulator.port, username: 'pod', password: 'p' };
    const store = new StateStoreClient({ ...login, clientId: 'line1' });
    try {
      const changed = new Promise<string>((resolve, reject) => {
        store
          .observe('machine/1', ({ operation }) => resolve(operation))
          .then(() => store.set('machine/1', 'v'), reject);
      });
      assert.equal(await changed, 'set');
      assert.equal((await store.set('line1/own', 'v')).stored, true);
      await rejectsWith(store.set('recipe/1', 'v'), { code: 'NOT_AUTHORIZED' });
    } finally {
      await store.close();
      await emulator.close();
    }
  });
});
