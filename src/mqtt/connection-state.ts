/** The states of a connection. */
import type { ConnectionError } from './connection-error';

/** Not opened, or closed. */
export interface Closed {
  /** Name of the state. */
  kind: 'closed';
}

/** An attempt to connect is under way. */
export interface Connecting {
  /** Name of the state. */
  kind: 'connecting';
  /** Why the attempt or connection before it ended. */
  reason?: ConnectionError;
}

/** Requests can be sent. */
export interface Connected {
  /** Name of the state. */
  kind: 'connected';
  /** Whether the broker kept the session of an earlier connection. */
  resumed: boolean;
}

/** The last attempt or connection ended. The next attempt follows. */
export interface Disconnected {
  /** Name of the state. */
  kind: 'disconnected';
  /** Why it ended. */
  reason: ConnectionError;
}

/** The last attempt or connection ended. No attempt follows. */
export interface Stopped {
  /** Name of the state. */
  kind: 'stopped';
  /** Why it ended. */
  reason: ConnectionError;
}

/** The state of a connection. */
export type ConnectionState = Closed | Connecting | Connected | Disconnected | Stopped;
