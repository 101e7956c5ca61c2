/** Whole MQTT sessions, damaged: what `fuzz` throws at the emulator. */
import { connect } from 'node:net';
import { REQUEST_TOPIC, responseTopic } from '../src/protocol/topics';
import { encodeCommand } from '../test/support/encode-command';

/** Random numbers from 0 to 1, 1 excluded. */
export type Random = () => number;

const bytes16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const text = (value: string | Buffer) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([bytes16(bytes.length), bytes]);
};
const number = (value: number) => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
};
const property = (id: number, value: Buffer) => Buffer.concat([Buffer.from([id]), value]);

const NAMES = ['fuzz', 'constructor', '__proto__', 'toString', ''];
const TOPICS = [
  ...NAMES,
  'a/b',
  '+',
  '#',
  'clients/#',
  '$SYS/#',
  '$share/a/b',
  'a/#/b',
  `${'x/'.repeat(200)}x`,
  REQUEST_TOPIC,
];
const IDS = [0, 1, 2, 65_535];
const PINGREQ = Buffer.from([0xc0, 0]);

/** Makes damaged sessions; the same ones for the same random numbers. */
export class Sessions {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** One session: CONNECT and what follows, as bytes. */
  make(): Buffer {
    const parts = [this.#connect()];
    for (let count = this.#below(8); count > 0; count--) parts.push(this.#packet());
    return Buffer.concat(parts.map((part) => (this.#random() < 0.25 ? this.#damage(part) : part)));
  }

  #connect(): Buffer {
    const clientId = this.#oneOf([...NAMES, `f${this.#below(200)}`]);
    const will = this.#random() < 0.3;
    return this.#frame(
      0x10,
      text('MQTT'),
      Buffer.from([this.#oneOf([5, 5, 5, 5, 4, 3]), (will ? 0x06 : 0) | this.#oneOf([0, 2, 2, 0xc2, 0x26])]),
      bytes16(this.#oneOf([0, 1, 60])),
      this.#properties(),
      text(clientId),
      ...(will ? [this.#properties(), text(this.#oneOf(TOPICS)), text(this.#payload())] : []),
    );
  }

  #packet(): Buffer {
    const id = bytes16(this.#oneOf(IDS));
    const topic = text(this.#oneOf(TOPICS));
    switch (this.#below(9)) {
      case 0:
      case 1:
        return this.#request();
      case 2: {
        const qos = this.#oneOf([0, 1, 2, 3]);
        const first = 0x30 | (qos << 1) | this.#oneOf([0, 1, 8]);
        return this.#frame(first, topic, qos ? id : Buffer.alloc(0), this.#properties(), this.#payload());
      }
      case 3: {
        const options = Buffer.from([this.#oneOf([0, 1, 2, 3, 0x2d, 0xff])]);
        const all = Array.from({ length: this.#below(4) }, () => [text(this.#oneOf(TOPICS)), options]);
        return this.#frame(0x82, id, this.#properties(), ...all.flat());
      }
      case 4:
        return this.#frame(0xa2, id, this.#properties(), topic);
      case 5:
        return this.#frame(
          this.#oneOf([0x40, 0x50, 0x62, 0x70]),
          id,
          Buffer.from([this.#below(256)]),
          this.#properties(),
        );
      case 6:
        return this.#frame(0xe0, Buffer.from([this.#oneOf([0, 4, 0x80])]), this.#properties());
      case 7:
        return this.#frame(this.#oneOf([0x20, 0x90, 0xb0, 0xd0, 0xf0, 0x00, 0xff]), id, this.#properties());
      default:
        return PINGREQ;
    }
  }

  /** A request that is right, but for one property that may come twice. */
  #request(): Buffer {
    const all = [
      property(
        0x08,
        text(this.#oneOf([responseTopic('fuzz'), responseTopic('f1'), REQUEST_TOPIC, 'a/+', ''])),
      ),
      property(0x09, text(this.#bytes(this.#below(20)))),
      property(0x02, Buffer.from([0, 0, 0, this.#below(3)])),
      property(0x26, Buffer.concat([text('__ts'), text(this.#timestamp())])),
    ];
    if (this.#random() < 0.3) all.push(this.#oneOf(all));
    const properties = Buffer.concat(all);
    return this.#frame(
      this.#oneOf([0x30, 0x32, 0x32, 0x3a, 0x34]),
      text(REQUEST_TOPIC),
      bytes16(this.#oneOf(IDS)),
      number(properties.length),
      properties,
      this.#payload(),
    );
  }

  #timestamp(): string {
    const now = Date.now();
    return this.#oneOf([
      `${now}:0:a`,
      `${now + 59_000}:9007199254740990:a`,
      `${now}:1:statestore-emulator`,
      'noon',
    ]);
  }

  #payload(): Buffer {
    const key = Buffer.from(this.#oneOf(['fuzz', '__proto__', 'k']));
    return this.#oneOf([
      encodeCommand({
        verb: 'SET',
        key,
        value: this.#bytes(this.#below(100)),
        expiryMs: 1 + this.#below(2000),
      }),
      encodeCommand({ verb: 'GET', key }),
      encodeCommand({ verb: 'KEYNOTIFY', key, stop: false }),
      encodeCommand({ verb: 'DEL', key }),
      this.#bytes(this.#below(50)),
    ]);
  }

  /** Any properties, of any packet, often the same one twice; the length in front lies at times. */
  #properties(): Buffer {
    const short = Buffer.from([this.#below(256)]);
    const long = Buffer.from([0, 0, 0, this.#below(256)]);
    const all: Buffer[] = [];
    for (let count = this.#below(4); count > 0; count--) {
      all.push(
        this.#oneOf([
          property(this.#oneOf([0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a]), short),
          property(this.#oneOf([0x02, 0x11, 0x18, 0x27]), long),
          property(
            this.#oneOf([0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1a, 0x1c, 0x1f]),
            text(this.#oneOf(TOPICS)),
          ),
          property(0x0b, number(this.#oneOf([0, 1, 268_435_455]))),
          property(this.#oneOf([0x13, 0x21, 0x22, 0x23]), bytes16(this.#oneOf([0, 1, 9]))),
          property(0x26, Buffer.concat([text(this.#oneOf(NAMES)), text('x')])),
          this.#bytes(3),
        ]),
      );
    }
    if (all.length > 0 && this.#random() < 0.3) all.push(all[0] as Buffer);
    const properties = Buffer.concat(all);
    const lie = this.#random() < 0.1 ? this.#below(300) : properties.length;
    return Buffer.concat([number(lie), properties]);
  }

  #frame(first: number, ...parts: Buffer[]): Buffer {
    const body = Buffer.concat(parts);
    const lie = this.#random() < 0.03 ? this.#oneOf([0, 1, 2 ** 27, body.length + 5]) : body.length;
    return Buffer.concat([Buffer.from([first]), number(lie), body]);
  }

  #damage(packet: Buffer): Buffer {
    const damaged = Buffer.from(packet);
    for (let i = this.#below(4); i > 0; i--) damaged[this.#below(damaged.length)] = this.#below(256);
    return damaged;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.#below(256)));
  }

  #oneOf<T>(items: readonly T[]): T {
    return items[this.#below(items.length)] as T;
  }
}

/** Plays a session: sends its bytes, in pieces, and leaves when the emulator closes the connection or after a while. */
export async function play(port: number, session: Buffer, random: Random): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  socket.resume();
  const cut = Math.floor(random() * session.length);
  const byeMs = Math.floor(random() * 30);
  socket.write(session.subarray(0, cut));
  socket.write(session.subarray(cut));
  const timer = setTimeout(() => (byeMs % 2 ? socket.destroy() : socket.end()), byeMs);
  await new Promise<void>((resolve) => socket.once('close', resolve));
  clearTimeout(timer);
}
