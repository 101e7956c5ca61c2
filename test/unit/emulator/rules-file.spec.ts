/** The formats of rules files. */
import assert from 'node:assert/strict';
import { stringify } from 'yaml';
import { Rules, RulesError } from '../../../src/emulator/access/rules';

const policies = (key: string) => ({
  authorizationPolicies: {
    cache: 'Enabled',
    rules: [
      {
        principals: { clientIds: ['*'] },
        stateStoreResources: [{ method: 'Read', keyType: 'String', keys: [key] }],
      },
    ],
  },
});
const manifest = (key: string) => ({
  apiVersion: 'mqttbroker.iotoperations.azure.com/v1',
  kind: 'BrokerAuthorization',
  metadata: { name: key, namespace: 'azure-iot-operations' },
  spec: policies(key),
});
const arm = (key: string) => ({
  id: `/subscriptions/s/resourceGroups/g/providers/Microsoft.IoTOperations/instances/i/brokers/b/authorizations/${key}`,
  name: key,
  type: 'microsoft.iotoperations/instances/brokers/authorizations',
  extendedLocation: { type: 'CustomLocation' },
  properties: { ...policies(key), provisioningState: 'Succeeded' },
  systemData: {},
});
const OTHER = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { spec: 'x' } };

const reads = (rules: Rules, key: string) =>
  rules.allowsKey({ clientId: 'me', attributes: {} }, 'Read', Buffer.from(key));

describe('A rules file', () => {
  const template = { $schema: 'https://schema', contentVersion: '1.0.0.0', resources: [arm('a'), arm('b')] };
  for (const [what, text, keys] of [
    ['a manifest', stringify(manifest('a')), ['a']],
    ['a manifest with --- at its end', `${stringify(manifest('a'))}---\n`, ['a']],
    [
      'several documents',
      [OTHER, manifest('a'), manifest('b')].map((one) => stringify(one)).join('---\n'),
      ['a', 'b'],
    ],
    [
      'a List of kubectl',
      stringify({ apiVersion: 'v1', kind: 'List', items: [manifest('a'), OTHER] }),
      ['a'],
    ],
    [
      'a list of its own kind',
      stringify({ apiVersion: 'v1', kind: 'BrokerAuthorizationList', items: [manifest('a')] }),
      ['a'],
    ],
    ['what az shows', JSON.stringify(arm('a')), ['a']],
    ['what az lists', JSON.stringify([arm('a'), arm('b')]), ['a', 'b']],
    ['an ARM template', JSON.stringify(template), ['a', 'b']],
    ['users and a spec', JSON.stringify({ users: [], spec: policies('a') }), ['a']],
  ] as const) {
    it(`may be ${what}`, () => {
      const rules = Rules.parse(text);
      assert.deepEqual(
        ['a', 'b'].filter((key) => reads(rules, key)),
        keys,
      );
      assert.equal(rules.grantsNoKey, false);
    });
  }

  const broken = (change: (rule: Record<string, unknown>) => void) => {
    const file = manifest('a');
    change(file.spec.authorizationPolicies.rules[0] as never);
    return stringify(file);
  };
  const RULE = 'spec\\.authorizationPolicies\\.rules\\[0\\]';
  for (const [what, text, words] of [
    ['an unknown name of the file', '{"user": []}', '^user is not known\\. Known here: apiVersion'],
    [
      'an unknown name of a user',
      '{"users": [{"username": "a", "passwort": "b"}]}',
      '^users\\[0\\]\\.passwort is not known',
    ],
    ['an unknown name of the spec', '{"spec": {"rules": []}}', '^spec\\.rules is not known'],
    [
      'an unknown name of a rule',
      broken((rule) => Object.assign(rule, { stateStoreResource: [] })),
      `^${RULE}\\.stateStoreResource is not known`,
    ],
    [
      'an unknown principal',
      broken((rule) => Object.assign(rule, { principals: { clientIDs: ['*'] } })),
      `^${RULE}\\.principals\\.clientIDs is not known`,
    ],
    [
      'an unknown method, in the second document',
      `${stringify(manifest('b'))}---\n${broken((rule) => Object.assign(rule, { stateStoreResources: [{ method: 'Reed', keyType: 'String', keys: [] }] }))}`,
      `^document 2: ${RULE}\\.stateStoreResources\\[0\\]\\.method must be Read`,
    ],
    [
      'a wrong type in a List',
      stringify({ kind: 'List', items: [manifest('b'), 5] }),
      '^items\\[1\\] must be an object',
    ],
    ['nothing', '---\n', '^the file is empty'],
    ['other resources alone', stringify(OTHER), '^the file has no BrokerAuthorization'],
    ['no YAML', '{"spec": ', '^not valid JSON or YAML'],
  ] as const) {
    it(`with ${what} is refused, and the place is named`, () => {
      assert.throws(
        () => Rules.parse(text),
        (error) => error instanceof RulesError && new RegExp(words).test(error.message),
      );
    });
  }

  it('says if it grants no key', () => {
    assert.equal(Rules.parse('{"users": [{"username": "a", "password": "b"}]}').grantsNoKey, true);
    assert.equal(Rules.parse(stringify({ spec: {} })).grantsNoKey, true);
  });
});
