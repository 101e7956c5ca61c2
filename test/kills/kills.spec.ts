import assert from 'node:assert/strict';
import { runKills } from './run';

describe('An emulator with a file that is killed while clients write', () => {
  it('has every acknowledged write, and no older version, after each of 5 kills', async () => {
    const { acknowledged, ...report } = await runKills(5);
    assert.deepEqual(
      { kills: report.kills, lost: report.lost, older: report.olderVersions, damaged: report.damaged },
      { kills: 5, lost: [], older: [], damaged: 0 },
    );
    assert.ok(acknowledged > 0);
  });
});
