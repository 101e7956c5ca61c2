import type { ClientConnection } from './connection';
import type { Session } from './session';
import type { Will } from './will';

/** A client that is logged in. `Identity`: of the layer above. */
export interface BrokerClient<Identity> {
  clientId: string;
  identity: Identity;
  connection: ClientConnection;
  session: Session;
  will: Will | undefined;
}

/** The clients that are logged in, by connection and by client ID. */
export class Clients<Identity extends object> {
  readonly #byConnection = new Map<ClientConnection, BrokerClient<Identity>>();
  readonly #byId = new Map<string, BrokerClient<Identity>>();

  get size(): number {
    return this.#byConnection.size;
  }

  of(connection: ClientConnection): BrokerClient<Identity> | undefined {
    return this.#byConnection.get(connection);
  }

  get(clientId: string): BrokerClient<Identity> | undefined {
    return this.#byId.get(clientId);
  }

  /** The version of MQTT in which to write to a client: of its connection, 5 if it has none. */
  versionOf(clientId: string): number {
    return this.#byId.get(clientId)?.connection.version ?? 5;
  }

  add(client: BrokerClient<Identity>): void {
    this.#byConnection.set(client.connection, client);
    this.#byId.set(client.clientId, client);
  }

  remove({ connection, clientId }: BrokerClient<Identity>): void {
    this.#byConnection.delete(connection);
    this.#byId.delete(clientId);
  }
}
