/**
 * Random and damaged bytes at the request topic of the emulator, and at the response and notification topics of a client that
 * works meanwhile; and whole MQTT sessions, damaged. Nothing crashes, nothing leaks, every answer stays right. The emulator is a
 * process of its own, so that its end is seen.
 *
 *   npm run fuzz [-- SECONDS [SEED]]
 */
import { connectAsync, type MqttClient } from 'mqtt';
import { StateStoreClient } from '../src/index';
import { notificationTopic, REQUEST_TOPIC, responseTopic } from '../src/protocol/topics';
import { encodeCommand } from '../test/support/encode-command';
import { Server } from './children';
import { play, type Random, Sessions } from './sessions';

const SECONDS = Number(process.argv[2] ?? 60);
const SEED = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const GOAL_MB = 20;
/** Sessions at a time. */
const PLAYERS = 20;

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
/** Of the damaged messages. Each player has its own, so that none depends on the speed of the others. */
const random = randomOf(SEED);
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

interface Count {
  sessions: number;
  done: boolean;
}

async function playSessions(port: number, count: Count): Promise<void> {
  const one = async (own: Random) => {
    const sessions = new Sessions(own);
    while (!count.done) {
      await play(port, sessions.make(), own);
      count.sessions++;
    }
  };
  await Promise.all(Array.from({ length: PLAYERS }, (_, player) => one(randomOf(SEED + 1 + player))));
}

async function main(): Promise<void> {
  // Fails, and with it everything, as soon as the emulator ends.
  const emulator = await Server.start('emulator');
  const { port } = emulator;
  const victim = new StateStoreClient({ host: '127.0.0.1', port });
  const attacker = await connectAsync({ port, protocolVersion: 5, clientId: 'attacker' });
  await victim.observe('fuzz', () => undefined);
  await victim.observe('mine', () => undefined);
  const count = { sessions: 0, done: false };
  const playing = playSessions(port, count);
  let before: { own: number; emulator: number } | undefined;
  let attacks = 0;
  let answers = 0;
  let wrong = 0;
  const memory = async () => ({ own: memoryMb(), emulator: await emulator.memory() });
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
    if (!before && elapsed() > SECONDS / 3) before = await memory();
  }
  count.done = true;
  await playing;
  const after = await memory();
  const growth = { own: after.own - (before?.own ?? 0), emulator: after.emulator - (before?.emulator ?? 0) };
  console.log(
    `seed ${SEED}: ${attacks} damaged messages, ${count.sessions} damaged sessions, ${answers} answers, ${wrong} wrong, ` +
      `memory +${growth.own.toFixed(1)} MB, of the emulator ${after.emulator.toFixed(1)} MB, +${growth.emulator.toFixed(1)} MB`,
  );
  await attacker.endAsync(true);
  await victim.close();
  await emulator.stop();
  process.exitCode = wrong === 0 && Math.max(growth.own, growth.emulator) < GOAL_MB ? 0 : 1;
}

main().catch((error) => {
  console.error(`seed ${SEED}: failed: ${error.stack}`);
  process.exit(1);
});
