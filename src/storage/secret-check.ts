/** Whether all instances encrypt with the same secret. */
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import type { Runtime } from './runtime';
import type { Secret } from './secret';

interface SecretCheckParts {
  client: StateStoreClient;
  secret: Secret;
  /** Key that proves the secret. */
  secretKey: string;
  runtime: Runtime;
}

/** Compares the secret of this instance with the secret of the first instance. */
export class SecretCheck {
  readonly #parts: SecretCheckParts;
  /** Why this instance may not read or write: its secret is another one. */
  #fault: StateStoreError | undefined;

  constructor(parts: SecretCheckParts) {
    this.#parts = parts;
  }

  /** What the last check found; `undefined` if the secrets are the same. */
  get fault(): StateStoreError | undefined {
    return this.#fault;
  }

  /** Logs a difference once. The first instance of all writes the proof of its secret. */
  async check(): Promise<void> {
    const { client, secret, secretKey, runtime } = this.#parts;
    let got = await client.get(secretKey);
    if (!got.found) {
      await client.set(secretKey, secret.makeCheck(), { condition: 'NX' });
      got = await client.get(secretKey);
    }
    if (!got.found || secret.matches(got.value)) {
      this.#fault = undefined;
      return;
    }
    const fault = new StateStoreError('BAD_ARGUMENT', {
      problem: 'The flows in the state store were encrypted with another credentialSecret',
      advice:
        'Nothing was read and nothing was written. Enter the same credentialSecret in settings.js of all instances, or choose another prefix.',
    });
    if (!this.#fault) runtime.log.error(fault.message);
    this.#fault = fault;
  }
}
