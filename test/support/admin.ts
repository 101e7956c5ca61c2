/** A user at the admin API of a Node-RED, logged in or not, and the messages to an open editor of that user. */
import { EventEmitter, once } from 'node:events';
import WebSocket from 'ws';
import type { NodeRed } from './node-red';

/** Password of every user of {@link users}. */
const PASSWORD = 'secret';
/** bcrypt of it. */
const HASH = '$2b$04$.XYUkWOAYN2mQ.WoQpwf1Obv0sKxR/iA4JTWZiDEZOSFj10dXA5ja';

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** Messages to an editor, by topic. */
export interface Told {
  topic: string;
  data: Record<string, unknown>;
}

/** The setting `adminAuth` with these users and their permissions. */
export function users(permissions: Record<string, string | string[]>): Record<string, unknown> {
  const all = Object.entries(permissions).map(([username, permission]) => ({
    ...{ username, password: HASH, permissions: permission },
  }));
  return { adminAuth: { type: 'credentials', users: all } };
}

export class Admin extends EventEmitter<{ told: [] }> {
  readonly told: Told[] = [];
  readonly #nodeRed: NodeRed;
  readonly #token: string | undefined;
  #socket: WebSocket | undefined;

  private constructor(nodeRed: NodeRed, token?: string) {
    super();
    this.setMaxListeners(0);
    this.#nodeRed = nodeRed;
    this.#token = token;
  }

  /** A user who is not logged in. */
  static anonymous(nodeRed: NodeRed): Admin {
    return new Admin(nodeRed);
  }

  static async logIn(nodeRed: NodeRed, username: string): Promise<Admin> {
    const { access_token: token } = await nodeRed.api<{ access_token: string }>('POST', '/auth/token', {
      ...{ client_id: 'node-red-editor', grant_type: 'password', scope: '' },
      ...{ username, password: PASSWORD },
    });
    return new Admin(nodeRed, token);
  }

  /** As the editor keeps it. */
  get token(): string {
    return JSON.stringify({ access_token: this.#token, expires_in: 604_800, token_type: 'Bearer' });
  }

  get headers(): Record<string, string> {
    return this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` };
  }

  /** Calls the admin API with a JSON body, or with any text, type and headers. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.#nodeRed.base}/${path}`, {
      method,
      headers: {
        ...this.headers,
        ...(body !== undefined && { 'Content-Type': contentType }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : {} };
  }

  async deploy(flows: unknown[]): Promise<void> {
    const after = this.#nodeRed.lines.all.length;
    await this.#nodeRed.api('POST', '/flows', flows, this.headers);
    await this.#nodeRed.lines.find(/Started flows/, after);
  }

  /** Opens the connection of an editor. Resolves when it receives messages. */
  async connect(): Promise<void> {
    const socket = new WebSocket(`${this.#nodeRed.base.replace('http', 'ws')}/comms`);
    this.#socket = socket;
    let ready: () => void = () => undefined;
    const authorized = new Promise<void>((resolve) => {
      ready = resolve;
    });
    socket.on('message', (text) => {
      const messages = JSON.parse(String(text)) as Told[] | { auth: string };
      if (Array.isArray(messages)) this.told.push(...messages);
      else if (messages.auth === 'ok') ready();
      this.emit('told');
    });
    await once(socket, 'open');
    if (this.#token === undefined) return;
    socket.send(JSON.stringify({ auth: this.#token }));
    await authorized;
  }

  send(topic: string, data: unknown): void {
    this.#socket?.send(JSON.stringify({ topic, data }));
  }

  disconnect(): void {
    this.#socket?.terminate();
  }

  /** Resolves with the result of `find`, which is called again after every message. */
  async until<T>(find: (told: Told[]) => T): Promise<NonNullable<T>> {
    for (;;) {
      const found = find(this.told);
      if (found) return found;
      await once(this, 'told');
    }
  }
}
