/** Certificates, keys, passwords and tokens: read anew before each attempt to connect, because they rotate. */
import { promises as files } from 'node:fs';
import type { ConnectionOptions as SecureOptions } from 'node:tls';
import { ConnectionError } from './connection-error';
import type { Login, TlsOptions } from './login';

export interface Secrets {
  /** `undefined`: plain TCP. */
  secure: SecureOptions | undefined;
  username: string | undefined;
  password: string | undefined;
  /** Kubernetes service account token. */
  token: Buffer | undefined;
}

/** Reads all files of these settings. Rejects with a {@link ConnectionError} `fileUnreadable` that names the path. */
export async function readSecrets(tls: TlsOptions | undefined, login: Login): Promise<Secrets> {
  return {
    secure: tls && (await readTls(tls)),
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
    throw new ConnectionError('fileUnreadable', `The service account token file ${path} is empty.`);
  }
  return Buffer.from(token);
}

async function readTls(tls: TlsOptions): Promise<SecureOptions> {
  const passphrase =
    tls.keyPasswordFile === undefined
      ? tls.passphrase
      : (await readSecret('key password', tls.keyPasswordFile)).trim();
  const secure: SecureOptions = {
    ca: tls.caFile === undefined ? tls.ca : await readSecret('CA', tls.caFile),
    cert: tls.certFile === undefined ? tls.cert : await readSecret('client certificate', tls.certFile),
    key: tls.keyFile === undefined ? tls.key : await readSecret('client key', tls.keyFile),
    passphrase,
    servername: tls.servername,
    ALPNProtocols: tls.ALPNProtocols,
    rejectUnauthorized: tls.verify !== false,
  };
  return Object.fromEntries(
    Object.entries(secure).filter(([, value]) => value !== undefined),
  ) as SecureOptions;
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
      `The ${what} file ${path} ${why}. Check the path and its permissions.`,
      error,
    );
  }
}
