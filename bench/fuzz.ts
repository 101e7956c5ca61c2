/**
 * Random and damaged bytes at the request topic of the emulator, and at the response and notification topics of a client that
 * works meanwhile: nothing crashes, nothing leaks, every answer stays right.
 *
 *   npm run fuzz [-- SECONDS [SEED]]
 */
import { connectAsync, type MqttClient } from 'mqtt';
import { Emulator, StateStoreClient } from '../src/index';
import { encodeCommand } from '../src/protocol/commands';
import { notificationTopic, REQUEST_TOPIC, responseTopic } from '../src/protocol/topics';

const SECONDS = Number(process.argv[2] ?? 60);
const SEED = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const GOAL_MB = 20;

let state = SEED;
/** Mulberry32: the same numbers for the same seed. */
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (limit: number) => Math.floor(random() * limit);
const bytes = (length: number) => Buffer.from(Array.from({ length }, () => below(256)));
const oneOf = <T>(items: readonly T[]): T => items[below(items.length)] as T;

/** Valid messages, to be damaged. */
const SEEDS = [
  encodeCommand({ verb: 'SET', key: Buffer.from('fuzz'), value: bytes(20), condition: 'NX', expiryMs: 1000 }),
  encodeCommand({ verb: 'GET', key: Buffer.from('fuzz') }),
  encodeCommand({ verb: 'KEYNOTIFY', key: Buffer.from('fuzz'), stop: false }),
  Buffer.from('*4\r\n$6\r\nNOTIFY\r\n$3\r\nSET\r\n$5\r\nVALUE\r\n$3\r\nabc\r\n'),
  Buffer.from('$3\r\nabc\r\n'),
  Buffer.from('*1000000000\r\n$1000000000\r\n'),
];

function payload(): Buffer {
  if (random() < 0.3) return bytes(below(300));
  const damaged = Buffer.from(oneOf(SEEDS));
  for (let i = below(4); i > 0; i--) damaged[below(damaged.length)] = below(256);
  return damaged.subarray(0, random() < 0.3 ? below(damaged.length) : damaged.length);
}

function attack(attacker: MqttClient, victim: string): void {
  const topic = oneOf([REQUEST_TOPIC, responseTopic(victim), notificationTopic(victim, Buffer.from('fuzz'))]);
  const words = ['noon', '', '0:0:a', '99999999999999:0:a', `${Date.now()}:0:a`];
  attacker.publish(topic, payload(), {
    qos: 1,
    properties: {
      ...(random() < 0.8 && { correlationData: bytes(below(20)) }),
      ...(random() < 0.7 && { responseTopic: responseTopic('attacker') }),
      userProperties: { __ts: oneOf(words), __stat: oneOf(['200', '400', 'x']), __ft: oneOf(words) },
    },
  });
}

function memoryMb(): number {
  if (!global.gc) throw new Error('run with node --expose-gc');
  global.gc();
  global.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

async function main(): Promise<void> {
  const emulator = await Emulator.start({ port: 0 });
  const victim = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  const attacker = await connectAsync({ port: emulator.port, protocolVersion: 5, clientId: 'attacker' });
  await victim.observe('fuzz', () => undefined);
  await victim.observe('mine', () => undefined);
  let before = 0;
  let attacks = 0;
  let answers = 0;
  let wrong = 0;
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  while (elapsed() < SECONDS) {
    for (let i = 0; i < 50; i++) attack(attacker, victim.clientId);
    attacks += 50;
    const value = String(attacks);
    await victim.set('mine', value);
    const got = await victim.get('mine');
    answers += 2;
    if (!got.found || got.value.toString() !== value) wrong++;
    if (before === 0 && elapsed() > SECONDS / 5) before = memoryMb();
  }
  const growth = memoryMb() - before;
  console.log(
    `seed ${SEED}: ${attacks} damaged messages, ${answers} answers, ${wrong} wrong, memory +${growth.toFixed(1)} MB`,
  );
  await attacker.endAsync(true);
  await victim.close();
  await emulator.close();
  process.exitCode = wrong === 0 && growth < GOAL_MB ? 0 : 1;
}

main().catch((error) => {
  console.error(`seed ${SEED}: failed: ${error.stack}`);
  process.exitCode = 1;
});
