/** The commands of the pages run as they are written there, with the rule that the package ships. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Emulator, EmulatorRules } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { ROOT } from '../support/node-red';
import { freePort } from '../support/ports';

const PAGES = ['command', 'data-flows', 'kubernetes'];
const USERS = 'users: [{ username: pod, password: p, attributes: { flows: node-red } }]\n';
const page = (name: string) => readFileSync(join(ROOT, 'docs', name), 'utf8');

/** The shell blocks of a page with the command. */
function blocksOf(name: string): string[] {
  const blocks = [...page(`${name}.md`).matchAll(/^( *)```sh\n(.*?)^ *```$/gms)];
  return blocks
    .map(([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
    .filter((text) => /\bstatestore (?!.*--help)/.test(text));
}

/**
 * Programs that the pages use. The options of the connection are those of the emulator here. `observe` ends after its first line, and `delete` does not
 * ask.
 */
const PROGRAMS = `
set -euo pipefail
npm() { :; }
npx() { shift 2; "$@"; }
kubectl() {
  while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
  if [ $# -gt 0 ]; then shift; "$@"; fi
}
statestore() {
  local own=() pid
  while [ $# -gt 0 ]; do
    case "$1" in
      --env) ;;
      --host | --port | --ca | --servername | --cert | --key) shift ;;
      *) own+=("$1") ;;
    esac
    shift
  done
  if [ "\${own[0]}" = delete ]; then own+=(--yes); fi
  if [ "\${own[0]}" != observe ]; then "$NODE" "$CLI" "\${own[@]}" $AT; return; fi
  "$NODE" "$CLI" "\${own[@]}" $AT > observed & pid=$!
  until [ -s observed ]; do sleep 0.05; done
  kill -TERM $pid
  wait $pid
}
`;

describe('With the rule of docs/kubernetes/broker-authorization.yaml', () => {
  let emulator: Emulator;
  let folder: string;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'page-commands-'));
    for (const file of ['recipe.json', 'picture.png', 'me.crt']) writeFileSync(join(folder, file), file);
    writeFileSync(join(folder, 'devices.csv'), 'deviceId,limit\npress-1,85\n');
    const rules = EmulatorRules.parse(USERS + page('kubernetes/broker-authorization.yaml'));
    emulator = await Emulator.start({ port: 0, rules });
    const AT = `--host 127.0.0.1 --port ${emulator.port} --username pod`;
    const CLI = join(ROOT, 'dist', 'src', 'cli', 'statestore.js');
    env = { ...process.env, AT, CLI, NODE: process.execPath, STATESTORE_PASSWORD: 'p', HOSTNAME: 'here' };
  });
  beforeEach(async () => {
    const login = { host: '127.0.0.1', port: emulator.port, username: 'pod', password: 'p' };
    const store = new StateStoreClient(login);
    await store.set('machine/setpoint', '21');
    await store.close();
  });
  after(async () => {
    await emulator.close();
    rmSync(folder, { recursive: true });
  });

  for (const name of PAGES) {
    const blocks = blocksOf(name);
    it(`docs/${name}.md has commands that this test finds`, () => assert.ok(blocks.length > 0));

    for (const block of blocks) {
      it(`of docs/${name}.md: ${block.split('\n').filter(Boolean).join('; ').slice(0, 150)}`, async () => {
        const shell = spawn('bash', ['-c', PROGRAMS + block], {
          ...{ cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] },
        });
        let output = '';
        for (const stream of [shell.stdout, shell.stderr])
          stream.on('data', (chunk) => {
            output += chunk;
          });
        const [code] = await once(shell, 'close');
        assert.equal(code, 0, output);
      }).timeout(60_000);
    }
  }
});

/** The programs that the page starts are those of this package. The emulator takes the place of the shell, so that a signal ends it. */
const TLS_PROGRAMS = `
set -euo pipefail
npx() { shift 2; "$@"; }
statestore-emulator() { exec "$NODE" "$ROOT/dist/src/emulator/cli.js" "$@"; }
statestore() { "$NODE" "$ROOT/dist/src/cli/statestore.js" "$@"; }
`;

describe('The TLS section of docs/emulator.md', () => {
  const section =
    page('emulator.md')
      .split('\n## ')
      .find((text) => text.startsWith('TLS\n')) ?? '';
  const [certificates = '', client = ''] = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(
    ([, text = '']) => text,
  );
  let folder: string;
  let emulator: ChildProcess | undefined;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'page-tls-'));
  });
  after(async () => {
    if (emulator?.kill()) await once(emulator, 'close');
    rmSync(folder, { recursive: true });
  });

  it('creates certificates that the emulator and a client accept, and a client needs one', async () => {
    const port = String(await freePort());
    const env = { ...process.env, NODE: process.execPath, ROOT };
    const run = (text: string) =>
      spawn('bash', ['-c', TLS_PROGRAMS + text.replaceAll('8883', port)], {
        ...{ cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] },
      });
    const codeOf = async (text: string) => {
      const shell = run(text);
      shell.stdout.resume();
      const [code] = await once(shell, 'close');
      return code;
    };
    const started = run(certificates);
    emulator = started;
    const [line] = await Promise.race([
      once(createInterface(started.stdout), 'line'),
      once(started, 'close'),
    ]);
    assert.match(String(line), new RegExp(`listening on \\S+:${port} with TLS`));

    assert.equal(await codeOf(client), 0);
    const read = client.replace('set machine/setpoint 21', 'get machine/setpoint');
    assert.equal(await codeOf(`[ "$(${read})" = 21 ]`), 0);
    assert.notEqual(await codeOf(read.replace(/--cert .*/, '')), 0);
  }).timeout(60_000);
});
