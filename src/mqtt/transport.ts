import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import type * as tls from 'node:tls';

/** Where the broker is. */
export interface Address {
  /** Host name or IP address. */
  host: string;
  /** TCP port, 1 to 65535. */
  port: number;
}

/** "localhost:1883", "[::1]:1883". */
export function addressText({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * The server name to ask for in the TLS handshake (SNI). None for an IP address (RFC 6066 section 3), and without the final dot of a
 * fully qualified name.
 */
function serverName(host: string): string | undefined {
  return isIP(host) === 0 ? host.replace(/\.$/, '') : undefined;
}

/** Loaded where it is used. */
const loadTls = (): typeof tls => require('node:tls');

/** The TCP socket below a TLS socket. */
const below = new WeakMap<Socket, Socket>();

/**
 * Begins to open a TCP connection to the broker. Every one sets `noDelay`: with Nagle's algorithm a client that waits for each
 * answer gets a dozen of them a second (docs/protocol.md section 9). `reader`: with the memory to read into. Without
 * it there are events `data`, as always over TLS.
 */
export function openSocket({ host, port }: Address, reader?: { onread: OnReadOpts }): Socket {
  const socket = connect({ host, port, noDelay: true, ...(reader && { onread: reader.onread }) });
  // Callers have listeners of their own. Without any listener an error would end the process.
  socket.on('error', () => undefined);
  return socket;
}

/** Resolves when the socket is connected; rejects when it will not be. */
export function untilConnected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the socket was closed')));
  });
}

/**
 * Begins TLS over a socket that is connected. Not before: a host name may have several addresses, each tried with a new handle, and TLS
 * would keep to the first. Throws for options that TLS cannot use.
 */
export function openTls(plain: Socket, { host }: Address, secure: tls.ConnectionOptions): tls.TLSSocket {
  const servername = secure.servername ?? serverName(host);
  const options = { ...secure, host, socket: plain };
  const socket = loadTls().connect(servername === undefined ? options : { ...options, servername });
  socket.on('error', () => undefined);
  plain.on('error', (error) => socket.destroy(error));
  below.set(socket, plain);
  return socket;
}

/**
 * Both ends of a TCP connection, its own first: no two connections of a machine have the same. Nothing while there is none. Behind a
 * proxy the two sides do not agree.
 */
export function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string | undefined {
  return ends([localAddress, localPort], [remoteAddress, remotePort]);
}

/** {@link endsOf} as the peer has it. */
export function peerEndsOf({
  localAddress,
  localPort,
  remoteAddress,
  remotePort,
}: Socket): string | undefined {
  return ends([remoteAddress, remotePort], [localAddress, localPort]);
}

type End = readonly [address: string | undefined, port: number | undefined];

function ends(...both: [End, End]): string | undefined {
  if (both.some(([address, port]) => address === undefined || port === undefined)) return undefined;
  // A server that listens on :: sees an IPv4 address as an IPv6 one.
  return both.map(([address, port]) => `${address?.replace(/^::ffff:/, '')} ${port}`).join(' ');
}

/**
 * Ends a byte stream at once with a TCP reset: what the system has not sent yet is thrown away instead of being sent for many
 * minutes more.
 */
export function resetTransport(socket: Socket): void {
  const plain = below.get(socket) ?? socket;
  // Before it is connected, a reset would wait until it is.
  if (!plain.connecting && !plain.destroyed) plain.resetAndDestroy();
  socket.destroy();
}
