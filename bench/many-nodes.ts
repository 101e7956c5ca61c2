/** CPU time of Node-RED per message, with more and more nodes. */
import { ContenderProcess } from './children';
import { type Job, median } from './measure';

/** The load of each round. */
const LOAD: Job = { operation: 'SET', size: 16, inFlight: 64, ms: 500 };

/** Microseconds per message with as many nodes as each of `counts`: processes of their own, which take turns. Medians of the rounds. */
export async function measureNodes(
  flowOf: (nodes: number) => object[],
  counts: readonly number[],
  rounds: number,
): Promise<number[]> {
  const contenders: ContenderProcess[] = [];
  for (const nodes of counts)
    contenders.push(await ContenderProcess.startFlow(`${nodes} nodes`, flowOf(nodes)));
  const cpu = counts.map((): number[] => []);
  for (const contender of contenders) await contender.measure({ ...LOAD, ms: 1500 });
  for (let round = 0; round < rounds; round++) {
    for (const [index, contender] of contenders.entries())
      cpu[index]?.push((await contender.measure(LOAD)).cpu);
  }
  for (const child of contenders) await child.stop();
  return cpu.map(median);
}
