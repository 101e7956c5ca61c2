/** Certificates, keys, passwords and tokens: read anew before each attempt to connect, because they rotate. */
import { promises as files } from 'node:fs';
import type * as tls from 'node:tls';
import { ConnectionError } from './connection-error';
import type { Login, TlsOptions } from './login';

export interface Secrets {
  /** `undefined`: plain TCP. */
  secure: tls.ConnectionOptions | undefined;
  username: string | undefined;
  password: string | undefined;
  /** Kubernetes service account token. */
  token: Buffer | undefined;
}

/** Loaded where it is used. */
const loadTls = (): typeof tls => require('node:tls');

/**
 * Reads all files of these settings. Rejects with a {@link ConnectionError} that names the path: `fileUnreadable`, or
 * `certificateUnusable` for what cannot be used.
 */
export async function readSecrets(options: TlsOptions | undefined, login: Login): Promise<Secrets> {
  return {
    secure: options && (await readTls(options)),
    username: login.username,
    password:
      login.passwordFile === undefined
        ? login.password
        : (await readSecret('password', login.passwordFile)).trim(),
    token: login.tokenFile === undefined ? undefined : await readToken(login.tokenFile),
  };
}

/** The token's bytes. An empty file is an error: the kubelet may be writing it right now. */
export async function readToken(path: string): Promise<Buffer> {
  const token = (await readSecret('service account token', path)).trim();
  if (token === '') {
    throw new ConnectionError('fileUnreadable', `The service account token file ${path} is empty`, '');
  }
  return Buffer.from(token);
}

async function readTls(options: TlsOptions): Promise<tls.ConnectionOptions> {
  const { caFile, certFile, keyFile, keyPasswordFile, servername, ALPNProtocols } = options;
  const identity: Identity = {
    ca: caFile === undefined ? options.ca : await readSecret('CA', caFile),
    cert: certFile === undefined ? options.cert : await readSecret('client certificate', certFile),
    key: keyFile === undefined ? options.key : await readSecret('client key', keyFile),
    passphrase:
      keyPasswordFile === undefined
        ? options.passphrase
        : (await readSecret('key password', keyPasswordFile)).trim(),
  };
  return {
    secureContext: secureContext(identity, options),
    ...(servername !== undefined && { servername }),
    ...(ALPNProtocols !== undefined && { ALPNProtocols }),
    rejectUnauthorized: options.verify !== false,
  };
}

interface Identity {
  ca: string | Buffer | undefined;
  cert: string | Buffer | undefined;
  key: string | Buffer | undefined;
  passphrase: string | undefined;
}

/** Made here, and not with the socket, where it would throw without a word about which file it is. */
function secureContext(identity: Identity, options: TlsOptions): tls.SecureContext {
  const { createSecureContext } = loadTls();
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
    const { ca, cert, key, passphrase } = identity;
    const [caAt, certAt, keyAt] = [at(options.caFile), at(options.certFile), at(options.keyFile)];
    // Which part it is shows when each is tried alone; if none, they do not fit together.
    let cause = failure({ ca });
    if (cause) throw unusable(`The CA${caAt}`, cause, 'Give a PEM file with certificates.');
    cause = failure({ cert });
    if (cause) throw unusable(`The client certificate${certAt}`, cause, 'Give a PEM file with certificates.');
    cause = failure({ key, passphrase });
    if (cause) {
      const advice = `Give a PEM file with a private key, and ${passphrase === undefined ? 'its password if it has one' : 'the right password'}.`;
      throw unusable(`The client key${keyAt}`, cause, advice);
    }
    const pair = `The client key${keyAt} with the client certificate${certAt}`;
    throw unusable(pair, error as Error, 'Give the certificate and the key that were made together.');
  }
}

function unusable(what: string, cause: Error, advice: string): ConnectionError {
  // OpenSSL says it in two or three words: "bad decrypt", "key values mismatch".
  const { reason = cause.message } = cause as { reason?: string };
  return new ConnectionError('certificateUnusable', `${what} cannot be used: ${reason}`, advice, cause);
}

function at(path: string | undefined): string {
  return path === undefined ? '' : ` ${path}`;
}

async function readSecret(what: string, path: string): Promise<string> {
  try {
    return await files.readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EACCES'
          ? 'may not be read'
          : `cannot be read (${code})`;
    throw new ConnectionError(
      'fileUnreadable',
      `The ${what} file ${path} ${why}`,
      'Check the path and its permissions.',
      error,
    );
  }
}
