/** What is wrong with a file that should have certificates in PEM form (RFC 7468). */
import { X509Certificate } from 'node:crypto';

/** A problem as a clause that goes on "The CA file ...", and what to do. */
export interface PemProblem {
  problem: string;
  advice: string;
}

const CERTIFICATE = /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----[\s\S]*?-----END \1-----/g;
const ANY_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----/;
const ASN1_SEQUENCE = 0x30;
const ASN1_LONG_LENGTH = 0x80;

const GIVE_PEM = 'Give a PEM file with certificates.';

/** Why these bytes are not certificates in PEM form. Nothing when they are. */
export function certificateProblem(content: string | Buffer): PemProblem | undefined {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
  const text = bytes.toString('latin1');
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return { problem: formOf(bytes, text), advice: adviceFor(bytes) };
  const damaged = blocks.findIndex((block) => !isCertificate(block));
  if (damaged < 0) return undefined;
  return {
    problem: `has a damaged certificate (number ${damaged + 1})`,
    advice: 'Copy the file again, as a whole.',
  };
}

function formOf(bytes: Buffer, text: string): string {
  if (text.trim() === '') return 'is empty';
  if (isDer(bytes)) return 'is a binary (DER) file, not PEM';
  if (isUtf16(bytes)) return 'is UTF-16 text, not PEM';
  const block = ANY_BLOCK.exec(text)?.[1];
  return block === undefined ? 'is not a PEM file' : `has a ${block} block, but no certificate`;
}

function adviceFor(bytes: Buffer): string {
  if (isDer(bytes)) return `${GIVE_PEM} "openssl x509 -inform der -in FILE -out ca.pem" converts one.`;
  if (isUtf16(bytes)) return `${GIVE_PEM} Save the file as ASCII or UTF-8 text.`;
  return GIVE_PEM;
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
  // OpenSSL's own form with trust settings behind the certificate; TLS reads it, X509Certificate does not.
  if (block.startsWith('-----BEGIN TRUSTED')) return true;
  try {
    return new X509Certificate(block).subject !== undefined;
  } catch {
    return false;
  }
}
