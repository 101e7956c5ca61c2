/** Faults that no correct client can hide, planted between client and store to see that the check of a history finds them. */
import { PacketSplitter } from '../../src/mqtt/packet-splitter';
import type { FaultProxy } from '../support/fault-proxy';

/**
 * `twice`: every 10th request reaches the store a second time, some requests later. `false answer`: every 10th success of a SET
 * is turned into "not stored".
 */
export type Plant = 'twice' | 'false answer';

const EVERY = 10;
const LATER = 5;
const PUBLISH = 3;
const OK = Buffer.from('+OK\r\n');
const NOT_STORED = Buffer.from(':-1\r\n');

/** Plants the fault in a proxy that breaks nothing else, so that packets stay whole. */
export function plant(fault: Plant, proxy: FaultProxy): void {
  if (fault === 'false answer') plantFalseAnswers(proxy);
  else plantRepeats(proxy);
}

function plantFalseAnswers(proxy: FaultProxy): void {
  let count = 0;
  proxy.mangle = (direction, chunk) => {
    const at = direction === 'down' ? chunk.indexOf(OK) : -1;
    if (at >= 0 && ++count % EVERY === 0) NOT_STORED.copy(chunk, at);
    return chunk;
  };
}

function plantRepeats(proxy: FaultProxy): void {
  const splitters = new Map<number, PacketSplitter>();
  let out: Buffer[] = [];
  const repeating = (): PacketSplitter => {
    let count = 0;
    let copy: Buffer | undefined;
    return new PacketSplitter((data, start, _body, end) => {
      const packet = data.subarray(start, end);
      out.push(packet);
      if ((data[start] as number) >> 4 !== PUBLISH) return;
      count++;
      if (count % EVERY === 0) copy = Buffer.from(packet);
      if (count % EVERY === LATER && copy) out.push(copy);
    });
  };
  proxy.mangle = (direction, chunk, connection) => {
    if (direction === 'down') return chunk;
    const splitter = splitters.get(connection) ?? repeating();
    splitters.set(connection, splitter);
    out = [];
    splitter.add(chunk);
    return Buffer.concat(out);
  };
}
