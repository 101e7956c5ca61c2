import { connect, type Socket } from 'node:net';
import { connect as connectSecurely, type ConnectionOptions as SecureOptions } from 'node:tls';
import { joinWrites } from './joined-writes';

/** Where the broker is. */
export interface Address {
  /** Host name or IP address. */
  host: string;
  /** TCP port, 1 to 65535. */
  port: number;
}

/**
 * Opens the byte stream to the broker, with TLS when there are options for it. Every transport sets `noDelay`: with
 * Nagle's algorithm a client that waits for each answer gets a dozen of them a second (docs/protocol.md section 9).
 */
export function openTransport({ host, port }: Address, secure: SecureOptions | undefined): Socket {
  if (!secure) return joinWrites(connect({ host, port, noDelay: true }));
  const socket = connectSecurely({ ...secure, host, port });
  socket.setNoDelay(true);
  return joinWrites(socket);
}
