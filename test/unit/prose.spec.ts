import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byRule, lint } from '../prose/linter';
import { ROOT } from '../support/node-red';

describe('Plain English', () => {
  it('is used in pages, help, labels, comments and titles of tests', () => {
    const findings = lint(ROOT);
    assert.deepEqual(
      findings.map(({ file, line, rule, text, use }) => `${file}:${line}: ${rule}: "${text}". Use: ${use}`),
      [],
    );
  });

  describe('of a sample', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'prose-'));
      for (const name of ['docs/dev', 'nodes/locales/en-US', 'src'])
        mkdirSync(join(folder, name), { recursive: true });
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it('is checked in pages, but not in their code, links and pictures', () => {
      writeFileSync(
        join(folder, 'docs/a.md'),
        [
          'It is told; `told` is code, and [a page](told.md) is not.',
          '',
          '```text',
          'told; told',
          '```',
          '| a cell | is told |',
        ].join('\n'),
      );
      assert.deepEqual(
        lint(folder).map(({ line, rule }) => `${line} ${rule}`),
        ['1 software does not tell', '1 semicolon', '6 software does not tell'],
      );
    });

    it('has sentences that are short enough for users, while contributors may read longer ones', () => {
      const long = `It has ${'many '.repeat(40)}words. It is short.`;
      writeFileSync(join(folder, 'docs/a.md'), long);
      writeFileSync(join(folder, 'docs/dev/b.md'), long);
      assert.deepEqual(byRule(lint(folder)), { 'long sentence': 1 });
    });

    it('is checked in help, labels and comments', () => {
      writeFileSync(
        join(folder, 'nodes/locales/en-US/a.html'),
        '<p>Gives the lock back.</p><code>somebody</code>',
      );
      writeFileSync(join(folder, 'nodes/locales/en-US/a.json'), '{\n  "somebody": "Ask somebody"\n}');
      writeFileSync(join(folder, 'src/a.ts'), ['const anew = 1;', '// Reads it anew.'].join('\n'));
      assert.deepEqual(
        lint(folder).map(({ file, rule, text }) => `${file} ${rule}: ${text}`),
        [
          'nodes/locales/en-US/a.html words of locks: Gives the lock back',
          'nodes/locales/en-US/a.json nobody in particular: somebody',
          'src/a.ts old words: anew',
        ],
      );
    });

    it('is checked in comments behind code, in titles of tests and in notes of examples', () => {
      mkdirSync(join(folder, 'test'));
      mkdirSync(join(folder, 'examples'));
      writeFileSync(
        join(folder, 'examples/a.json'),
        '{\n  "info": "Lead it to somebody.",\n  "key": "somebody"\n}',
      );
      const title = ['it(', "'tells a key', () => {});"].join('');
      writeFileSync(join(folder, 'test/a.ts'), ['const a = 1; //', ` It is told.\n${title}\n`].join(''));
      assert.deepEqual(
        lint(folder).map(({ file, line, rule, text }) => `${file}:${line} ${rule}: ${text}`),
        [
          'examples/a.json:2 nobody in particular: somebody',
          'test/a.ts:1 software does not tell: told',
          'test/a.ts:2 software does not tell: tells',
        ],
      );
    });
  });
});
