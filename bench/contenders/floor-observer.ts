/** `floor`: a raw socket that observes keys. */
import { Counter, observedKeys } from './counter';
import { openFloor } from './floor-socket';
import { STORE_PORT } from './serve';

async function main(): Promise<void> {
  const [name = '', keys] = process.argv.slice(3);
  const counter = new Counter();
  const floor = await openFloor(STORE_PORT);
  await floor.observe(observedKeys(name, Number(keys)), (_key, value) => counter.seen(value));
  counter.serve();
}

void main();
