/** The rules of leases and updates, in every order of events that small models can reach. */
import assert from 'node:assert/strict';
import { explore, type Outcome } from './checker';
import { type RoleRules, roleModel } from './role-model';
import { type UpdateRules, updateModel } from './update-model';

const ROLE: RoleRules = {
  durations: [4, 2],
  caution: 'memory',
  newText: true,
  bounds: { losses: 1, cuts: 0, requests: [2, 1] },
};
/** More requests and cuts of connections, without a loss of memory. */
const CUTS: RoleRules = { ...ROLE, durations: [3, 2], bounds: { losses: 0, cuts: 1, requests: [3, 1] } };
const UPDATE: UpdateRules = {
  claims: true,
  skips: 'guarded',
  exists: true,
  updates: [1, 1],
  tries: [1, 1],
  inNet: 3,
};

describe('The model of the lease protocol', function () {
  this.timeout(120_000);
  let states = 0;
  const holds = ({ states: visited, trace }: Outcome) => {
    states += visited;
    assert.equal(trace, undefined, trace?.join('\n'));
  };
  const isBroken = ({ trace }: Outcome, how: RegExp) => {
    assert.ok(trace, 'no violation was found');
    assert.match(trace.at(-1) as string, how);
  };
  after(() => console.log(`        ${states} states`));

  it('never has two that believe in one lease, with unequal leases, cuts and a store that loses its memory', () => {
    holds(explore(roleModel(ROLE)));
    holds(explore(roleModel({ ...ROLE, bounds: { ...ROLE.bounds, requests: [1, 2] } })));
    holds(explore(roleModel(CUTS)));
  });

  it('never has two of three candidates that believe in one lease', () => {
    holds(
      explore(
        roleModel({ ...ROLE, durations: [2, 2, 2], bounds: { losses: 1, cuts: 0, requests: [1, 1, 1] } }),
      ),
    );
  });

  it('has two where caution lasts for the own lease after each lost session', () => {
    isBroken(explore(roleModel({ ...ROLE, caution: 'session' })), /clients 0 and 1 believe/);
  });

  it('has two where caution lasts for the longest lease that a candidate saw, which may have been away', () => {
    const bounds = { losses: 1, cuts: 1, requests: [1, 1] };
    isBroken(explore(roleModel({ ...ROLE, caution: 'seen', bounds })), /clients 0 and 1 believe/);
    holds(explore(roleModel({ ...ROLE, bounds })));
  });

  it('has two where a late release of an earlier term deletes a later one of the same text', () => {
    isBroken(explore(roleModel({ ...CUTS, newText: false })), /clients 0 and 1 believe/);
  });

  for (const exists of [true, false]) {
    const key = exists ? 'an existing key' : 'a missing key';
    it(`loses no update of ${key} that was reported as applied`, () => {
      holds(explore(updateModel({ ...UPDATE, exists })));
    });
    it(`loses one of ${key} where the key is not claimed after a takeover`, () => {
      isBroken(explore(updateModel({ ...UPDATE, exists, claims: false })), /reported as applied is lost/);
    });
  }

  it('loses no update of a client that skips the claim after its own release, if it has guarded the key before', () => {
    holds(explore(updateModel({ ...UPDATE, updates: [2, 1], tries: [2, 1], inNet: 2 })));
  });

  it('loses one where the claim is skipped after every own release', () => {
    const rules: UpdateRules = { ...UPDATE, skips: 'released', updates: [2, 1], tries: [2, 1], inNet: 2 };
    isBroken(explore(updateModel(rules)), /reported as applied is lost/);
  });
});
