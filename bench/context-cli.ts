/**
 * What the context store costs, without the rest of `npm run bench`, and what restarts leave behind.
 *
 *   npm run bench:context [-- --quick] [cost] [delay] [start] [restarts]
 *
 * All of it where no part is named; `restarts` takes a quarter of an hour, or a minute with `--quick`.
 */
import { CONTEXT_PARTS } from './context';
import { findingTable } from './report';

async function main(): Promise<void> {
  const wanted = process.argv.slice(2).filter((one) => one !== '--quick');
  for (const name of wanted.length > 0 ? wanted : Object.keys(CONTEXT_PARTS)) {
    const part = CONTEXT_PARTS[name];
    if (!part)
      throw new Error(`There is no part ${name}. Parts are ${Object.keys(CONTEXT_PARTS).join(', ')}.`);
    const findings = await part();
    if (findings.some(({ met }) => met === false)) process.exitCode = 1;
    console.log(findingTable('the context store', findings));
  }
}

main().then(
  // Ends what is still running as well.
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
