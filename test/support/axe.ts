/** What axe-core says of a part of the page. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

interface AxeWindow {
  axe: {
    run(
      where: object,
      options: object,
    ): Promise<{ violations: { id: string; impact: string | null; nodes: { html: string }[] }[] }>;
  };
}

/** What is wrong, in one line each; `include` and `exclude` are selectors. What Core draws is Core's, so leave that out. */
export async function violationsOf(
  page: Page,
  include: string[],
  exclude: string[] = [],
  rules: Record<string, { enabled: boolean }> = {},
): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window)))
    await page.addScriptTag({ content: readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8') });
  const { violations } = await page.evaluate(
    ([where, options]) => (window as unknown as AxeWindow).axe.run(where, options),
    [
      { include: include.map((one) => [one]), exclude: exclude.map((one) => [one]) },
      { resultTypes: ['violations'], rules },
    ] as const,
  );
  return violations.map(
    ({ id, impact, nodes }) =>
      `${id} (${impact}): ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
  );
}
