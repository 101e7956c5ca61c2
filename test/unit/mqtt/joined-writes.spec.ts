import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Joined, joinWrites } from '../../../src/mqtt/joined-writes';

describe('Joined writes', () => {
  let server: Server;
  let socket: Joined;
  let peer: Socket;
  let chunks: Buffer[];

  beforeEach(async () => {
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    socket = joinWrites(connect((server.address() as AddressInfo).port, '127.0.0.1'));
    [peer] = await accepted;
    chunks = [];
    peer.on('data', (chunk: Buffer) => chunks.push(chunk));
  });
  afterEach(async () => {
    socket.destroy();
    peer.destroy();
    await once(server.close(), 'close');
  });

  /** What the peer got when the socket has ended. */
  const received = async () => {
    socket.end();
    await once(peer, 'end');
    return Buffer.concat(chunks);
  };

  it('of one turn arrive as one, in order, bytes and text alike', async () => {
    for (let i = 0; i < 100; i++) {
      socket.cork();
      socket.write(Buffer.from([i]));
      socket.write(`-ä${i};`, 'utf8');
      process.nextTick(() => socket.uncork());
    }
    await once(peer, 'data');
    assert.equal(chunks.length, 1);
    const expected = Array.from({ length: 100 }, (_, i) => [Buffer.from([i]), Buffer.from(`-ä${i};`)]);
    assert.ok(Buffer.concat(expected.flat()).equals(chunks[0] as Buffer));
  });

  it('of an acknowledgement go alone where nothing follows, and are left out after the end', async () => {
    socket.writeUnlessEnded(Buffer.from('a'));
    await once(peer, 'data');
    socket.writeUnlessEnded(Buffer.from('b'));
    assert.equal(String(await received()), 'ab');
    socket.writeUnlessEnded(Buffer.from('c'));
  });

  it('of so many chunks go at once', async () => {
    const write = (count: number, text: string) =>
      socket.writeInBatch({ count, until: 'turn' }, Buffer.from(text));
    write(1, 'a');
    process.nextTick(() => write(2, 'b'));
    await once(peer, 'data');
    write(3, 'c');
    write(3, 'd');
    assert.equal(socket.bytesWritten, 2);
    write(3, 'e');
    assert.equal(socket.bytesWritten, 5);
    write(3, 'f');
    assert.equal(socket.bytesWritten, 5);
    assert.equal(String(await received()), 'abcdef');
  });

  it('of one callback go before the next one: the first at once, the others at its end', async () => {
    const write = (text: string) => socket.writeInBatch({ count: 9, until: 'callback' }, Buffer.from(text));
    const written: number[] = [];
    const ask = async (text: string) => {
      await undefined;
      write(text);
      written.push(socket.bytesWritten);
    };
    setImmediate(() => Promise.all(['a', 'b', 'c'].map(ask)));
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.deepEqual([...written, socket.bytesWritten], [1, 1, 1, 3]);
    assert.equal(String(await received()), 'abc');
  });

  it('keep their order around large chunks, and across blocks', async () => {
    const pieces = Array.from({ length: 300 }, (_, i) => Buffer.alloc(i % 7 === 0 ? 40_000 : 1 + i * 10, i));
    for (const piece of pieces) socket.write(piece);
    assert.ok((await received()).equals(Buffer.concat(pieces)));
  });

  it('arrive unchanged, whether the system takes them at once or the peer lets them wait', async () => {
    const expected: Buffer[] = [];
    const writeInOneTurn = async (size: number) => {
      for (let count = 0; count < 3; count++) {
        const piece = Buffer.alloc(size, expected.length);
        expected.push(piece);
        socket.write(piece);
      }
      await new Promise((resolve) => setImmediate(resolve));
    };
    for (let turn = 0; turn < 100; turn++) await writeInOneTurn(1000);
    peer.pause();
    while (socket.writableLength === 0) await writeInOneTurn(15_000);
    for (let turn = 0; turn < 50; turn++) await writeInOneTurn(1000);
    peer.resume();
    for (let turn = 0; turn < 100; turn++) await writeInOneTurn(1000);
    assert.ok((await received()).equals(Buffer.concat(expected)));
  });

  it('are all sent before the end', async () => {
    socket.write('first ');
    socket.write('last');
    assert.equal((await received()).toString(), 'first last');
  });

  it('with a callback call it when they are out', async () => {
    socket.write('before ');
    await new Promise<void>((resolve) => socket.write('called', () => resolve()));
    socket.write(' after');
    assert.equal((await received()).toString(), 'before called after');
  });

  it('after the end fail as they do on any socket', async () => {
    socket.end();
    const failed = once(socket, 'error');
    socket.write('too late');
    assert.equal((await failed)[0].code, 'ERR_STREAM_WRITE_AFTER_END');
  });

  it('are dropped with the socket', async () => {
    socket.write('never');
    socket.destroy();
    await once(peer, 'close');
    assert.deepEqual(chunks, []);
  });

  it('make the writer wait when the peer does not read, and continue later', async () => {
    peer.pause();
    const block = Buffer.alloc(60_000);
    while (socket.write(block));
    const drained = once(socket, 'drain');
    peer.resume();
    await drained;
    assert.equal(socket.write('more'), true);
  });
});
