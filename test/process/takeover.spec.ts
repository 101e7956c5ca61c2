/** Two real Node-RED instances with example 08: one acts, and when it ends in any way, the other acts. */
import { Controllers, ENDS, type End, summary } from '../support/controllers';

const ROUNDS = 3;
/** Seconds. If an instance releases the role, the other takes over long before the lease expires. */
const LEASE: Record<End, number> = { resign: 300, deploy: 300, SIGTERM: 300, SIGKILL: 2 };

describe('The other controller takes over', () => {
  for (const lease of new Set(Object.values(LEASE))) {
    describe(`with a lease of ${lease} s`, () => {
      let controllers: Controllers;
      before(async () => {
        controllers = await Controllers.start(lease);
      });
      after(() => controllers?.stop());

      for (const how of ENDS.filter((one) => LEASE[one] === lease)) {
        it(`after ${how}`, async () => {
          const times: number[] = [];
          for (let round = 0; round < ROUNDS; round++) times.push(await controllers.end(how));
          console.log(`        ${ROUNDS} times ${how}: ${summary(times)}`);
        });
      }
    });
  }
});
