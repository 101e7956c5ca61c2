/** Two real Node-REDs whose flows are in the state store. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator';
import { NodeRed, type NodeRedOptions, newUserDir } from '../support/node-red';

interface Flows {
  rev: string;
  flows: { id: string; type: string; [property: string]: unknown }[];
}

const V2 = { 'Node-RED-API-Version': 'v2' };

/** A tab with one comment, which is enough to tell versions apart. */
const flowsOf = (text: string) => [
  { id: 'tab', type: 'tab', label: 'Line 1' },
  { id: 'comment', type: 'comment', z: 'tab', name: text, x: 100, y: 100, wires: [] },
];

const textOf = ({ flows }: Flows) => flows.find(({ id }) => id === 'comment')?.name;

describe('Flows in the state store', () => {
  let emulator: Emulator;
  let port: number;
  const running: NodeRed[] = [];
  const folders: string[] = [];

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    port = emulator.port;
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.end('SIGKILL')));
    await emulator.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  const storage = (more = '') =>
    `require(${JSON.stringify(join(__dirname, '../../src/storage'))})({ host: '127.0.0.1', port: ${port}, startTimeout: 2000, timeout: 2000${more} })`;

  const start = async (options: NodeRedOptions = {}) => {
    const userDir = options.userDir ?? newUserDir();
    folders.push(userDir);
    const nodeRed = await NodeRed.start({ storageModule: storage(), ...options, userDir });
    running.push(nodeRed);
    return nodeRed;
  };

  const get = (nodeRed: NodeRed) => nodeRed.api<Flows>('GET', '/flows', undefined, V2);

  const deploy = async (nodeRed: NodeRed, text: string, type = 'full') => {
    const { rev } = await get(nodeRed);
    return nodeRed.api<{ rev: string }>(
      'POST',
      '/flows',
      { rev, flows: flowsOf(text) },
      {
        ...V2,
        'Node-RED-Deployment-Type': type,
      },
    );
  };

  /** Resolves when this instance runs flows with this text. */
  const runs = async (nodeRed: NodeRed, text: string) => {
    for (let seen = 0; textOf(await get(nodeRed)) !== text; seen = nodeRed.lines.all.length)
      await nodeRed.lines.find(/./, seen);
  };

  it('reach a second instance that starts later, and each deploy reaches both', async () => {
    const first = await start();
    await deploy(first, 'one');
    const second = await start();
    assert.equal(textOf(await get(second)), 'one');
    await deploy(second, 'two');
    await runs(first, 'two');
    await deploy(first, 'three', 'nodes');
    await runs(second, 'three');
    assert.equal((await get(first)).rev, (await get(second)).rev);
  });

  it('are refused with the conflict status of Node-RED if another instance deployed meanwhile', async () => {
    const first = await start();
    await deploy(first, 'one');
    const second = await start();
    const { rev } = await get(second);
    const outcomes = await Promise.allSettled(
      [first, second].map((one, i) => one.api('POST', '/flows', { rev, flows: flowsOf(`editor ${i}`) }, V2)),
    );
    const failed = outcomes.flatMap((one, i) =>
      one.status === 'rejected' ? [{ i, error: one.reason }] : [],
    );
    assert.equal(failed.length, 1, 'both deploys succeeded, or none');
    assert.match(failed[0]?.error.message, /: 409 .*version_mismatch/);
    const winner = `editor ${failed[0]?.i === 0 ? 1 : 0}`;
    await runs(first, winner);
    await runs(second, winner);
  });

  it('start from the copy on disk if the store is away, and catch up when it is back', async () => {
    const first = await start();
    await deploy(first, 'one');
    const secondDir = newUserDir();
    let second = await start({ userDir: secondDir });
    await second.end('SIGTERM');
    await emulator.close();
    second = await start({ userDir: secondDir });
    assert.equal(textOf(await get(second)), 'one');
    await second.lines.find(/starts with its copy of the flows/);
    await assert.rejects(
      deploy(second, 'lost?'),
      /400 .*Nothing listens at .*: key nodered-flows\/flows was not changed\. Check host and port/,
    );
    emulator = await Emulator.start({ port });
    // The memory of the store is gone: the instances write the flows back.
    await runs(second, 'one');
    await second.lines.find(/wrote its flows back|Loading the flows/).catch(() => undefined);
    await deploy(first, 'two');
    await runs(second, 'two');
  });
});
