/** What rules cover, and which ones are refused when they are read. */
import assert from 'node:assert/strict';
import { type Principal, Rules, RulesError } from '../../../src/emulator/access/rules';

const rulesWith = (resources: object) =>
  Rules.parse(
    JSON.stringify({
      spec: { authorizationPolicies: { rules: [{ principals: { clientIds: ['*'] }, ...resources }] } },
    }),
  );
const client = (clientId: string): Principal => ({ clientId, attributes: {} });

describe('A rule for topics', () => {
  const covers = (filter: string, topic: string, clientId = 'me') =>
    rulesWith({ brokerResources: [{ method: 'Subscribe', topics: [filter] }] }).allowsBroker(
      client(clientId),
      'Subscribe',
      topic,
    );

  for (const [filter, topic] of [
    ['a/b', 'a/b'],
    ['a/+', 'a/b'],
    ['a/+', 'a/'],
    ['a/+', 'a/+'],
    ['+/b', 'a/b'],
    ['a/+/c', 'a/+/c'],
    ['#', 'a/b'],
    ['#', '#'],
    ['#', 'a/#'],
    ['a/#', 'a/b/c'],
    ['a/#', 'a/+/c'],
    ['a/#', 'a/#'],
    ['a/#', 'a'],
    ['a.b/(c', 'a.b/(c'],
    ['clients/{principal.clientId}/#', 'clients/me/x'],
  ] as const)
    it(`${filter} covers ${topic}`, () => assert.equal(covers(filter, topic), true));

  for (const [filter, topic] of [
    ['a/b', 'a/c'],
    ['a/b', 'a/+'],
    ['a/b', 'a/#'],
    ['a/+', 'a/#'],
    ['a/+', 'a/b/c'],
    ['a/+', 'a'],
    ['+', '#'],
    ['+/#', '#'],
    ['a/+/c', 'a/#'],
    ['a/#', '#'],
    ['a/#', 'ab'],
    ['a/#/c', 'a/b/c'],
    ['a.b', 'axb'],
  ] as const)
    it(`${filter} does not cover ${topic}`, () => assert.equal(covers(filter, topic), false));

  it('takes the name of a client literally, also where it is a wildcard', () => {
    const filter = 'clients/{principal.clientId}/x';
    assert.equal(covers(filter, 'clients/a/x', '+'), false);
    assert.equal(covers(filter, 'clients/+/x', '+'), false);
    assert.equal(covers('clients/{principal.clientId}', 'clients/#', '#'), false);
    assert.equal(covers(filter, 'clients/a/b/x', 'a/b'), true);
  });
});

describe('A pattern', () => {
  it('has ranges, and what is substituted is taken literally', () => {
    const rules = rulesWith({
      stateStoreResources: [
        { method: 'Read', keyType: 'Pattern', keys: ['shelf/[0-9]', '{principal.clientId}/?'] },
      ],
    });
    const reads = (key: string, clientId = 'me') =>
      rules.allowsKey(client(clientId), 'Read', Buffer.from(key));
    assert.deepEqual(
      [reads('shelf/7'), reads('shelf/x'), reads('me/1'), reads('me/12')],
      [...[true, false, true, false]],
    );
    assert.equal(reads('me/1', '*'), false);
  });

  it('whose range ends before it begins is refused when the file is read, with its place', () => {
    const keys = (keyType: string) => ({ method: 'Read', keyType, keys: ['fine', 'shelf/[9-0]'] });
    const place = 'spec.authorizationPolicies.rules[0]';
    const refused = (resources: object, where: string) =>
      assert.throws(
        () => rulesWith(resources),
        (error) => error instanceof RulesError && error.message.startsWith(`${place}.${where} must be`),
      );
    refused({ stateStoreResources: [keys('Pattern')] }, 'stateStoreResources[0].keys[1]');
    refused(
      { brokerResources: [{ method: 'Connect', clientIds: ['[z-a]'] }] },
      'brokerResources[0].clientIds[0]',
    );
    // Not a pattern.
    assert.ok(rulesWith({ stateStoreResources: [keys('String')] }));
  });
});
