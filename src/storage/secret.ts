/**
 * Data that the setting `credentialSecret` protects. Node-RED encrypts the credentials of nodes itself. This file checks that all instances
 * have the same secret, encrypts login sessions, and takes over credentials that were encrypted with a generated key.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  randomBytes,
  scryptSync,
  timingSafeEqual,
} from 'node:crypto';
import { StateStoreError } from '../errors';

const CHECK_TEXT = 'credentialSecret of the flows in this state store';
const NODE_RED_CIPHER = 'aes-256-ctr';
const NODE_RED_IV_DIGITS = 32;

/** The encrypted form that Node-RED keeps: `{$: initialisation vector in hexadecimal, then Base64}`. */
export interface EncryptedCredentials {
  $: string;
}

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** A value for the store that proves the secret without containing it. */
  makeCheck(): Buffer {
    const salt = randomBytes(16).toString('hex');
    return Buffer.from(JSON.stringify({ salt, proof: this.#proof(salt) }));
  }

  /** Whether `check` was made with the same secret. */
  matches(check: Buffer): boolean {
    try {
      const { salt, proof } = JSON.parse(check.toString('utf8')) as { salt: string; proof: string };
      return timingSafeEqual(Buffer.from(proof, 'hex'), Buffer.from(this.#proof(salt), 'hex'));
    } catch {
      return false;
    }
  }

  /** AES-256-GCM: nonce, tag and ciphertext. */
  encrypt(value: unknown): Buffer {
    const salt = randomBytes(16);
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key(salt), nonce);
    const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
    return Buffer.concat([salt, nonce, cipher.getAuthTag(), text]);
  }

  /** Throws `BAD_RESPONSE` if the bytes were changed or encrypted with another secret. */
  decrypt(bytes: Buffer): unknown {
    try {
      const decipher = createDecipheriv(
        'aes-256-gcm',
        this.#key(bytes.subarray(0, 16)),
        bytes.subarray(16, 28),
      );
      decipher.setAuthTag(bytes.subarray(28, 44));
      const text = Buffer.concat([decipher.update(bytes.subarray(44)), decipher.final()]);
      return JSON.parse(text.toString('utf8'));
    } catch (cause) {
      throw new StateStoreError(
        'BAD_RESPONSE',
        {
          problem: 'The login sessions in the state store cannot be decrypted',
          advice: 'Give all instances the same credentialSecret.',
        },
        { cause, retryable: false },
      );
    }
  }

  /** Credentials that Node-RED encrypted with the secret `from`, encrypted with this one. Throws if `from` is not their secret. */
  reencrypt(credentials: EncryptedCredentials, from: string): EncryptedCredentials {
    return this.encryptCredentials(nodeRedDecrypt(credentials, from));
  }

  /** Credentials in clear text, as JSON, in the form that Node-RED decrypts with this secret. */
  encryptCredentials(plain: string): EncryptedCredentials {
    const iv = randomBytes(16);
    const cipher = createCipheriv(NODE_RED_CIPHER, nodeRedKey(this.#text), iv);
    return { $: iv.toString('hex') + cipher.update(plain, 'utf8', 'base64') + cipher.final('base64') };
  }

  #proof(salt: string): string {
    return createHmac('sha256', this.#key(Buffer.from(salt, 'hex')))
      .update(CHECK_TEXT)
      .digest('hex');
  }

  #key(salt: Buffer): Buffer {
    return scryptSync(this.#text, salt, 32);
  }
}

function nodeRedKey(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function nodeRedDecrypt({ $: text }: EncryptedCredentials, secret: string): string {
  const iv = Buffer.from(text.slice(0, NODE_RED_IV_DIGITS), 'hex');
  const decipher = createDecipheriv(NODE_RED_CIPHER, nodeRedKey(secret), iv);
  const plain = decipher.update(text.slice(NODE_RED_IV_DIGITS), 'base64', 'utf8') + decipher.final('utf8');
  JSON.parse(plain);
  return plain;
}
