/** The page people open when something is wrong has every word they may see. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/node-red';

describe('The troubleshooting page', () => {
  const page = readFileSync(join(ROOT, 'docs', 'troubleshooting.md'), 'utf8');
  const catalogue = (name: string) =>
    JSON.parse(readFileSync(join(ROOT, 'nodes', 'locales', 'en-US', `${name}.json`), 'utf8'));
  const { error, reason } = catalogue('statestore-config').statestore.status as Record<string, object>;
  const emulator = catalogue('statestore-emulator')['statestore-emulator'].status as Record<string, string>;

  it('has one row for every code of an error', () => {
    for (const code of Object.keys(error ?? {})) {
      assert.equal(page.split(`\n| \`${code}\` |`).length - 1, 1, code);
    }
  });

  it('has every status of a node without a connection', () => {
    for (const text of Object.values(reason ?? {})) {
      assert.match(page, new RegExp(`^\\| ([^|]*, )?${text}(, [^|]*)? \\|`, 'm'), text);
    }
  });

  it('has every status of an emulator that does not run', () => {
    const { running, other, ...trouble } = emulator;
    assert.ok(running && other);
    for (const text of Object.values(trouble)) {
      assert.ok(page.includes(`| ${text.replace('__port__', '...')} |`), text);
    }
  });
});
