/**
 * What locks, updates and roles cost, without the rest of `npm run bench`.
 *
 *   npm run bench:coordination [-- updates | locks | hand-over | growth | keys | crowd | candidates | fairness | handovers]
 */
import { PARTS } from './coordination';
import { findingTable } from './report';

async function main(): Promise<void> {
  const [, , wanted] = process.argv;
  const parts = Object.entries(PARTS).filter(([name]) => wanted === undefined || wanted === name);
  for (const [, part] of parts) console.log(findingTable('locks, updates, roles', await part()));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
