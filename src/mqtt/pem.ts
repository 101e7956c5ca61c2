/** What is wrong with a file that should have certificates or a private key in PEM form (RFC 7468). */
import { X509Certificate } from 'node:crypto';

/** A problem as a clause that goes on "The CA file ...", and what to do. */
export interface PemProblem {
  problem: string;
  advice: string;
}

type Kind = 'certificate' | 'private key';

const CERTIFICATE = /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----[\s\S]*?-----END \1-----/;
const PRIVATE_KEY = /-----BEGIN ([A-Z0-9 ]+ )?PRIVATE KEY-----/;
const ANY_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----/;
const ASN1_SEQUENCE = 0x30;
const ASN1_LONG_LENGTH = 0x80;

/**
 * Why these bytes are not certificates in PEM form. Nothing when they are, as far as the first one shows: OpenSSL uses what comes before
 * a damaged certificate.
 */
export function certificateProblem(content: string | Buffer): PemProblem | undefined {
  const { bytes, text } = read(content);
  const first = CERTIFICATE.exec(text)?.[0];
  if (first === undefined) return formProblem(bytes, text, 'certificate');
  if (isCertificate(first)) return undefined;
  return { problem: 'has a damaged certificate', advice: 'Copy the file again, as a whole.' };
}

/** Why these bytes are not a private key in PEM form. Nothing when they look like one. */
export function keyProblem(content: string | Buffer): PemProblem | undefined {
  const { bytes, text } = read(content);
  return PRIVATE_KEY.test(text) ? undefined : formProblem(bytes, text, 'private key');
}

function read(content: string | Buffer): { bytes: Buffer; text: string } {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
  return { bytes, text: bytes.toString('latin1') };
}

function formProblem(bytes: Buffer, text: string, kind: Kind): PemProblem {
  const give = `Give a PEM file with ${kind === 'certificate' ? 'certificates' : 'a private key'}.`;
  if (text.trim() === '') return { problem: 'is empty', advice: give };
  if (isDer(bytes)) {
    const command = kind === 'certificate' ? 'x509' : 'pkey';
    const convert = `"openssl ${command} -inform der -in FILE -out FILE.pem" converts one.`;
    return { problem: 'is a binary (DER) file, not PEM', advice: `${give} ${convert}` };
  }
  if (isUtf16(bytes))
    return { problem: 'is UTF-16 text, not PEM', advice: `${give} Save it as ASCII or UTF-8 text.` };
  const block = ANY_BLOCK.exec(text)?.[1];
  const problem = block === undefined ? 'is not a PEM file' : `has a ${block} block, but no ${kind}`;
  return { problem, advice: give };
}

function isDer(bytes: Buffer): boolean {
  return bytes[0] === ASN1_SEQUENCE && (bytes[1] ?? 0) >= ASN1_LONG_LENGTH;
}

function isUtf16(bytes: Buffer): boolean {
  const [first, second] = bytes;
  const hasMark = (first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe);
  return hasMark || first === 0 || second === 0;
}

function isCertificate(block: string): boolean {
  // OpenSSL's own form, with trust settings behind the certificate. TLS reads it; X509Certificate does not.
  if (block.startsWith('-----BEGIN TRUSTED')) return true;
  try {
    return new X509Certificate(block).subject !== undefined;
  } catch {
    return false;
  }
}
