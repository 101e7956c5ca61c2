/** Certificates for the tests: an authority of their own, and what it signs. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { md, pki } from 'node-forge';

export interface Certificate {
  /** PEM. */
  cert: string;
  /** PEM. */
  key: string;
}

const DAY_MS = 86_400_000;
let serial = 1;

export function makeAuthority(name: string): Certificate {
  return make(name, undefined, { days: 30 });
}

/** A certificate for 127.0.0.1 and localhost, or for other names; one that ended already with negative `days`. */
export function makeCertificate(
  name: string,
  authority: Certificate,
  options: { days?: number; altNames?: { type: 2 | 7; value?: string; ip?: string }[] } = {},
): Certificate {
  const altNames = options.altNames ?? [
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
  ];
  return make(name, authority, { days: options.days ?? 30, altNames });
}

/** Writes certificate and key into a folder and returns their paths. */
export function writeCertificate(
  directory: string,
  name: string,
  { cert, key }: Certificate,
): { cert: string; key: string } {
  const paths = { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
  writeFileSync(paths.cert, cert);
  writeFileSync(paths.key, key);
  return paths;
}

function make(
  name: string,
  authority: Certificate | undefined,
  { days, altNames }: { days: number; altNames?: object[] },
): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = String(serial++).padStart(2, '0');
  const end = Date.now() + days * DAY_MS;
  certificate.validity.notBefore = new Date(Math.min(Date.now(), end) - DAY_MS);
  certificate.validity.notAfter = new Date(end);
  const subject = [{ name: 'commonName', value: name }];
  certificate.setSubject(subject);
  certificate.setIssuer(authority ? pki.certificateFromPem(authority.cert).subject.attributes : subject);
  certificate.setExtensions(
    authority
      ? [
          { name: 'basicConstraints', cA: false },
          { name: 'subjectAltName', altNames },
        ]
      : [
          { name: 'basicConstraints', cA: true, critical: true },
          { name: 'keyUsage', keyCertSign: true, critical: true },
        ],
  );
  certificate.sign(pki.privateKeyFromPem(authority?.key ?? privateKey), md.sha256.create());
  return { cert: pki.certificateToPem(certificate), key: privateKey };
}
