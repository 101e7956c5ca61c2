import type { Connection } from '../mqtt/connection';
import type { ConnectionError } from '../mqtt/connection-error';
import type { ConnectionState } from '../mqtt/connection-state';

/** The connection will not be usable without a change. `reason` is absent if the client was closed. */
export interface Unusable {
  usable: false;
  reason: ConnectionError | undefined;
}

export type Usability = { usable: true } | Unusable;

/** Waits for the connection, with one listener for all that wait. */
export class Usable {
  readonly #connection: Connection;
  #waiting: Promise<Usability> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Opens the connection. Resolves when it can be used, or when only a person can make it usable. Never rejects. */
  async wait(): Promise<Usability> {
    this.#connection.open();
    const now = usability(this.#connection);
    if (now) return now;
    this.#waiting ??= new Promise<Usability>((resolve) => {
      const look = () => {
        const known = usability(this.#connection);
        if (!known) return;
        this.#connection.off('state', look);
        this.#waiting = undefined;
        resolve(known);
      };
      this.#connection.on('state', look);
    });
    return this.#waiting;
  }
}

function usability(connection: Connection): Usability | undefined {
  const state: ConnectionState = connection.state;
  if (state.kind === 'connected') return { usable: true };
  if (state.kind === 'closed') return { usable: false, reason: undefined };
  if (state.kind === 'stopped' || connection.refused) return { usable: false, reason: connection.obstacle };
  return undefined;
}
