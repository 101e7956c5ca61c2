/** Certificates, keys, passwords and tokens: read before each attempt to connect, because they rotate. */
import { promises as files } from 'node:fs';
import type * as tls from 'node:tls';
import { codeOf } from '../errors';
import { ConnectionError } from './connection-error';
import type { Login, TlsOptions } from './login';
import { certificateProblem, keyProblem, type PemProblem } from './pem';

export interface Secrets {
  /** `undefined`: plain TCP. */
  secure: tls.ConnectionOptions | undefined;
  username: string | undefined;
  password: string | undefined;
  /** Kubernetes service account token. */
  token: Buffer | undefined;
}

const TOKEN = 'service account token';

type ReadFile = (path: string) => Promise<Buffer>;

/** Loaded where it is used. */
const loadTls = (): typeof tls => require('node:tls');

/**
 * The files of one connection. A file that does not respond (a FIFO, a network drive) is read once, however many attempts wait for it:
 * each read that hangs takes one of the few threads that Node.js has for all files.
 */
export class SecretFiles {
  readonly #reading = new Map<string, Promise<Buffer>>();
  #waitingFor: string | undefined;

  /** The file that is being read, such as "The CA file /etc/ca.crt". */
  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /**
   * Reads all files of these settings. Rejects with a {@link ConnectionError} that names the path: `fileUnreadable`, or
   * `certificateUnusable` for content that cannot be used.
   */
  async read(options: TlsOptions | undefined, login: Login): Promise<Secrets> {
    const secure = options && (await this.#readTls(options));
    const password = await this.#line('password', login.passwordFile);
    const token =
      login.tokenFile === undefined
        ? undefined
        : await readToken(login.tokenFile, (path) => this.#read(TOKEN, path));
    return { secure, username: login.username, password: password ?? login.password, token };
  }

  async #readTls(options: TlsOptions): Promise<tls.ConnectionOptions> {
    const { caFile, certFile, keyFile, keyPasswordFile, servername, ALPNProtocols } = options;
    const identity: Identity = {
      ca: (await this.#bytes('CA', caFile)) ?? given(options.ca),
      cert: (await this.#bytes('client certificate', certFile)) ?? given(options.cert),
      key: (await this.#bytes('client key', keyFile)) ?? given(options.key),
      passphrase: (await this.#line('key password', keyPasswordFile)) ?? options.passphrase,
    };
    return {
      secureContext: secureContext(identity, options),
      ...(servername !== undefined && { servername }),
      ...(ALPNProtocols !== undefined && { ALPNProtocols }),
      rejectUnauthorized: options.verify !== false,
    };
  }

  async #bytes(noun: string, path: string | undefined): Promise<Buffer | undefined> {
    if (path === undefined) return undefined;
    return readFile(noun, path, () => this.#read(noun, path));
  }

  /** Text without the end of its line; blanks belong to it. */
  async #line(noun: string, path: string | undefined): Promise<string | undefined> {
    const bytes = await this.#bytes(noun, path);
    return bytes && textOf(noun, path ?? '', bytes).replace(/\r?\n$/, '');
  }

  #read(noun: string, path: string): Promise<Buffer> {
    this.#waitingFor = `The ${noun} file ${path}`;
    const reading = this.#reading.get(path) ?? files.readFile(path).finally(() => this.#reading.delete(path));
    this.#reading.set(path, reading);
    return reading;
  }
}

/** The token's bytes. An empty file is an error: the kubelet may be writing it right now. */
export async function readToken(path: string, read: ReadFile = files.readFile): Promise<Buffer> {
  const token = textOf(TOKEN, path, await readFile(TOKEN, path, read)).trim();
  if (token === '') {
    const advice = 'Check that Kubernetes mounts the token. The client tries again automatically.';
    throw new ConnectionError('fileUnreadable', `The ${TOKEN} file ${path} is empty`, advice);
  }
  return Buffer.from(token);
}

interface Identity {
  ca: string | Buffer | undefined;
  cert: string | Buffer | undefined;
  key: string | Buffer | undefined;
  passphrase: string | undefined;
}

/** Made before the socket, because an error there does not name the file. */
function secureContext(identity: Identity, options: TlsOptions): tls.SecureContext {
  const { createSecureContext } = loadTls();
  const { ca, cert, key, passphrase } = identity;
  const names = {
    ca: nameOf('CA', options.caFile),
    cert: nameOf('client certificate', options.certFile),
    key: nameOf('client key', options.keyFile),
  };
  // OpenSSL ignores a CA that it cannot read and then trusts no broker. It ignores an empty certificate and an empty key, too.
  if (options.verify !== false) check(names.ca, ca, certificateProblem);
  check(names.cert, cert, certificateProblem);
  check(names.key, key, keyProblem);
  const failure = (parts: Partial<Identity>): Error | undefined => {
    try {
      createSecureContext(parts);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  };
  try {
    return createSecureContext(identity);
  } catch (error) {
    // Which part it is shows when each is tried alone; if none, they do not fit together.
    const partOf = { ca, cert };
    for (const part of ['ca', 'cert'] as const) {
      const cause = failure({ [part]: partOf[part] });
      if (cause) throw unusable(`The ${names[part]}`, cause, 'Give a PEM file with certificates.');
    }
    const cause = failure({ key, passphrase });
    if (cause) {
      const advice = `Give a PEM file with a private key, and ${passphrase === undefined ? 'its password if it has one' : 'the right password'}.`;
      throw unusable(`The ${names.key}`, cause, advice);
    }
    const pair = `The ${names.key} with the ${names.cert}`;
    throw unusable(pair, error as Error, 'Give the certificate and the key that were made together.');
  }
}

function check(
  name: string,
  content: string | Buffer | undefined,
  problemOf: (content: string | Buffer) => PemProblem | undefined,
): void {
  const fault = content === undefined ? undefined : problemOf(content);
  if (fault) throw new ConnectionError('certificateUnusable', `The ${name} ${fault.problem}`, fault.advice);
}

/** A blank value counts as none. */
function given(value: string | Buffer | undefined): string | Buffer | undefined {
  return value === undefined || value.length === 0 ? undefined : value;
}

function unusable(noun: string, cause: Error, advice: string): ConnectionError {
  // OpenSSL says it in two or three words: "bad decrypt", "key values mismatch".
  const { reason = cause.message } = cause as { reason?: string };
  return new ConnectionError('certificateUnusable', `${noun} cannot be used: ${reason}`, advice, cause);
}

function nameOf(noun: string, path: string | undefined): string {
  return path === undefined ? noun : `${noun} file ${path}`;
}

/** UTF-8 text without a byte order mark. */
function textOf(noun: string, path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const problem = `The ${noun} file ${path} is not UTF-8 text`;
    throw new ConnectionError('fileUnreadable', problem, 'Save it as UTF-8 or ASCII text.', error);
  }
}

async function readFile(noun: string, path: string, read: ReadFile): Promise<Buffer> {
  try {
    return await read(path);
  } catch (error) {
    const code = codeOf(error);
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EACCES'
          ? 'may not be read'
          : `cannot be read (${code})`;
    const problem = `The ${noun} file ${path} ${why}`;
    throw new ConnectionError('fileUnreadable', problem, 'Check the path and its permissions.', error);
  }
}
