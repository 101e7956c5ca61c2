/**
 * How long no instance acts when the active one of two Node-RED instances ends: example 08, from the command to end it to the first action of
 * the other instance. The goals are 0.3 s if it can release the role, and 0.5 s beyond the lease if it cannot.
 *
 *   npm run bench:takeover [-- resign | deploy | SIGTERM | SIGKILL]
 */
import { Controllers, ENDS, type End, summary } from '../test/support/controllers';

const ROUNDS = 50;
/** Seconds. */
const LEASE: Record<End, number> = { resign: 10, deploy: 10, SIGTERM: 10, SIGKILL: 2 };
/** Milliseconds. */
const GOAL: Record<End, number> = { resign: 300, deploy: 300, SIGTERM: 300, SIGKILL: 2500 };

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  for (const how of ENDS.filter((end) => wanted.length === 0 || wanted.includes(end))) {
    const controllers = await Controllers.start(LEASE[how]);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await controllers.end(how));
    await controllers.stop();
    const reached = Math.max(...times) <= GOAL[how];
    console.log(
      `${how}, lease ${LEASE[how]} s, ${ROUNDS} times: ${summary(times)}; at most ${GOAL[how]} ms: ${reached ? 'yes' : 'NO'}`,
    );
    if (!reached) process.exitCode = 1;
  }
}

void main();
