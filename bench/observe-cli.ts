/**
 * What a change of an observed key costs, without the rest of `npm run bench`.
 *
 *   npm run bench:observe [-- --quick]
 */
import { OBSERVE_PARTS } from './observe';
import { findingTable } from './report';

async function main(): Promise<void> {
  for (const part of Object.values(OBSERVE_PARTS)) console.log(findingTable('observed keys', await part()));
}

main().then(
  // Ends what is still running as well.
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
