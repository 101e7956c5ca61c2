/** The manifests of docs/kubernetes: valid for Kubernetes, and enough for the nodes. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import { parseAllDocuments } from 'yaml';
import contextStore from '../../src/context';
import { Lease, Lock } from '../../src/coordination/index';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { optionsFromEnvironment, StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { set } from '../support/context';
import { ROOT } from '../support/node-red';

interface Manifest {
  apiVersion: string;
  kind: string;
}

interface Listener extends Manifest {
  metadata: { name: string; namespace: string };
  spec: {
    serviceName: string;
    ports: { port: number; authorizationRef?: string; authenticationRef?: string; tls?: object }[];
  };
}

const text = (name: string) => readFileSync(join(ROOT, 'docs', 'kubernetes', name), 'utf8');
const manifestsOf = (name: string) => parseAllDocuments(text(name)).map((one) => one.toJS() as Manifest);

const dataOf = (manifest: Manifest) => (manifest as { data?: Record<string, string> }).data;

const deploymentOf = (manifests: Manifest[]) =>
  manifests.find(({ kind }) => kind === 'Deployment') as IDeployment;

/** The kinds in each file. */
const FILES = {
  'node-red.yaml': ['Deployment', 'PersistentVolumeClaim', 'Service', 'ServiceAccount'],
  'high-availability.yaml': ['ConfigMap', 'Deployment', 'PodDisruptionBudget', 'Service', 'ServiceAccount'],
};

describe('The Kubernetes manifests', () => {
  for (const [name, kindsOfFile] of Object.entries(FILES)) {
    const manifests = manifestsOf(name);

    it(`of ${name} are valid`, async () => {
      const core = await import('kubernetes-models/v1');
      const apps = await import('kubernetes-models/apps/v1');
      const policy = await import('kubernetes-models/policy/v1');
      const kinds: Record<string, new (data: never) => { validate(): void }> = {
        ServiceAccount: core.ServiceAccount,
        PersistentVolumeClaim: core.PersistentVolumeClaim,
        ConfigMap: core.ConfigMap,
        Service: core.Service,
        Deployment: apps.Deployment,
        PodDisruptionBudget: policy.PodDisruptionBudget,
      };
      for (const manifest of manifests) {
        const Kind = kinds[manifest.kind];
        assert.ok(Kind, `nothing validates a ${manifest.kind}`);
        new Kind(manifest as never).validate();
      }
      assert.deepEqual(manifests.map(({ kind }) => kind).sort(), kindsOfFile);
      const wrong = { ...manifests[0], metadata: { name: 7 } };
      assert.throws(
        () => new core.ServiceAccount(wrong as never).validate(),
        'the validator lets anything pass',
      );
    });

    it(`of ${name} mount the token and the trust bundle where the variables point, with the right audience`, () => {
      const pod = deploymentOf(manifests).spec?.template.spec;
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
        assert.equal(options.host, 'aio-broker-node-red.azure-iot-operations');
        assert.equal(options.port, 18_884);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });
  }

  it('attach the rule to a listener of its own, never to the default one', () => {
    const [listener] = manifestsOf('broker-listener.yaml') as Listener[];
    const [rule] = manifestsOf('broker-authorization.yaml') as Listener[];
    assert.equal(listener?.kind, 'BrokerListener');
    assert.notEqual(listener?.metadata.name, 'default');
    assert.notEqual(listener?.spec.serviceName, 'aio-broker');
    const [port] = listener?.spec.ports ?? [];
    assert.equal(port?.authorizationRef, rule?.metadata.name);
    assert.ok(port?.authenticationRef && port.tls, 'the listener accepts every client');
    for (const name of Object.keys(FILES)) {
      const env = deploymentOf(manifestsOf(name)).spec?.template.spec?.containers[0]?.env ?? [];
      const value = (variable: string) => env.find((one) => one.name === variable)?.value;
      assert.equal(
        value('AIO_BROKER_HOSTNAME'),
        `${listener?.spec.serviceName}.${listener?.metadata.namespace}`,
      );
      assert.equal(value('AIO_BROKER_TCP_PORT'), String(port?.port));
    }
    assert.notEqual(port?.port, 18_883);
  });

  it('for high availability run two on different nodes, each with a client ID of its own, of which one always stays', () => {
    const manifests = manifestsOf('high-availability.yaml');
    const { spec } = deploymentOf(manifests);
    const pod = spec?.template.spec;
    assert.equal(spec?.replicas, 2);
    assert.deepEqual(spec?.strategy?.rollingUpdate, { maxUnavailable: 1, maxSurge: 0 });
    const [rule] = pod?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    assert.equal(rule?.topologyKey, 'kubernetes.io/hostname');
    assert.deepEqual(rule?.labelSelector?.matchLabels, spec?.template.metadata?.labels);
    const clientId = pod?.containers[0]?.env?.find(({ name }) => name === 'AIO_MQTT_CLIENT_ID');
    assert.equal(clientId?.valueFrom?.fieldRef?.fieldPath, 'metadata.name');
    const { readinessProbe, livenessProbe } = pod?.containers[0] ?? {};
    assert.equal(readinessProbe?.httpGet?.path, '/statestore/ready');
    assert.equal(livenessProbe?.httpGet?.path, '/statestore/live');
    const claims = pod?.volumes?.filter((volume) => volume.persistentVolumeClaim);
    assert.deepEqual(claims, [], 'a volume that one node has cannot serve two');
    const budget = manifests.find(({ kind }) => kind === 'PodDisruptionBudget') as {
      spec?: { minAvailable?: number; selector?: { matchLabels?: object } };
    };
    assert.equal(budget.spec?.minAvailable, 1);
    assert.deepEqual(budget.spec?.selector?.matchLabels, spec?.selector.matchLabels);
  });

  it('for high availability share flows and context, with settings that both take', () => {
    const settings = manifestsOf('high-availability.yaml').find(
      (one) => 'settings.js' in (dataOf(one) ?? {}),
    );
    const source = dataOf(settings as Manifest)?.['settings.js'] as string;
    const asked: [string, unknown][] = [];
    const module = { exports: {} as { contextStorage?: { shared?: { config?: object } } } };
    const load = (name: string) => {
      asked.push([name, undefined]);
      return (options: unknown) => asked.push([name, options]);
    };
    new Function('module', 'require', source)(module, load);
    assert.deepEqual(asked, [
      ['@edgestate/node-red-statestore/storage', undefined],
      ['@edgestate/node-red-statestore/storage', { from: 'environment' }],
      ['@edgestate/node-red-statestore/context', undefined],
    ]);
    assert.deepEqual(module.exports.contextStorage?.shared?.config, { from: 'environment' });
    assert.match(source, /credentialSecret: process\.env\.NODE_RED_CREDENTIAL_SECRET/);
    const env = deploymentOf(manifestsOf('high-availability.yaml')).spec?.template.spec?.containers[0]?.env;
    const secret = env?.find(({ name }) => name === 'NODE_RED_CREDENTIAL_SECRET');
    assert.ok(secret?.valueFrom?.secretKeyRef, 'the secret is not taken from a Secret');
  });

  it('let the nodes do what the rule says, and no more', async () => {
    const users = 'users: [{ username: pod, password: p, attributes: { flows: node-red } }]\n';
    const emulator = await Emulator.start({
      port: 0,
      rules: EmulatorRules.parse(users + text('broker-authorization.yaml')),
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
      const lock = new Lock(store, 'machine/1/lock');
      assert.equal(await lock.withLock(() => 'mine'), 'mine');
      const memory = contextStore({ ...login, clientId: 'line1-context' });
      await memory.open();
      await set(memory, 'global', 'x', 1);
      await set(memory, 'global', 'x', undefined);
      await memory.close();
      const role = new Lease(store, 'role/controller');
      assert.equal(await role.tryAcquire(), true);
      await role.release();
      await rejectsWith(store.set('recipe/1', 'v'), { code: 'NOT_AUTHORIZED' });
    } finally {
      await store.close();
      await emulator.close();
    }
  });
});
