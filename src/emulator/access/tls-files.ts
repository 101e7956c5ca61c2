import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { codeOf, messageOf } from '../../errors';
import type { EmulatorTls } from '../options';

/** Paths of PEM files; empty where there is none. */
export interface TlsFiles {
  cert?: string | undefined;
  key?: string | undefined;
  ca?: string | undefined;
}

/** What is wrong with a certificate, a key or their files. */
export class TlsFilesError extends Error {}

/** Reads certificate, key and authorities; undefined when there are none. Rejects with {@link TlsFilesError} that names the file. */
export async function readTlsFiles({ cert, key, ca }: TlsFiles): Promise<EmulatorTls | undefined> {
  if (!cert && !key && !ca) return undefined;
  if (!cert || !key)
    throw new TlsFilesError(
      `TLS needs a certificate and a private key: the ${cert ? 'private key' : 'certificate'} is missing`,
    );
  const tls = { cert: await read(cert), key: await read(key), ...(ca && { ca: await read(ca) }) };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new TlsFilesError(`${cert}, ${key}: ${messageOf(error)}`);
  }
  return tls;
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new TlsFilesError(`${file}: ${codeOf(error) === 'ENOENT' ? 'file not found' : messageOf(error)}`);
  }
}
