import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';

/** Ports of test processes are lower than the ports that systems give to connections: `BLOCK` ports for each process. */
const FIRST = 20_000;
const BLOCK = 480;
const BLOCKS = 25;
/** One port for each block; the process that listens on it owns the block. */
const FIRST_CLAIM = 19_000;

let claim: Promise<number> | undefined;
let next = 0;

/** A port of this process alone that nothing listens on, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  claim ??= claimBlock();
  const first = await claim;
  for (let tried = 0; tried < BLOCK; tried++) {
    const port = first + (next++ % BLOCK);
    if (await portIsFree(port)) return port;
  }
  throw new Error(`no port from ${first} to ${first + BLOCK - 1} is free`);
}

async function claimBlock(): Promise<number> {
  for (let block = 0; block < BLOCKS; block++) {
    const server = await listening(FIRST_CLAIM + block);
    server?.unref();
    if (server) return FIRST + block * BLOCK;
  }
  throw new Error(`${BLOCKS} processes have claimed ports already`);
}

/** A server on this port, or nothing where there is one. */
async function listening(port: number): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

/** Resolves as soon as something listens on the port; tries every 20 ms, for `patience` milliseconds. */
export async function waitForPort(port: number, patience = 10_000): Promise<void> {
  const end = Date.now() + patience;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    if (Date.now() > end) throw new Error(`nothing listens on port ${port} after ${patience} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether nothing listens on the port of this machine. */
export async function portIsFree(port: number): Promise<boolean> {
  const server = await listening(port);
  if (!server) return false;
  server.close();
  await once(server, 'close');
  return true;
}
