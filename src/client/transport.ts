import { connect, type Socket } from 'node:net';

/** Where the broker is. */
export interface Address {
  /** Host name or IP address. */
  host: string;
  /** TCP port, 1 to 65535. */
  port: number;
}

/**
 * Opens the byte stream to the broker. Every transport sets `noDelay`: with Nagle's algorithm a client that waits
 * for each answer gets a dozen of them a second (docs/protocol.md section 9).
 */
export function openTransport({ host, port }: Address): Socket {
  return connect({ host, port, noDelay: true });
}
