import { StateStoreError } from '../errors';
import type { ConnectionError, ConnectionStage } from '../mqtt/connection-error';
import type { ConnectionState } from '../mqtt/connection-state';
import type { StateStoreClientOptions } from './options';
import { randomId } from './random';
import { StateStoreClient } from './state-store-client';

/** What is tried, in this order. */
export type DiagnosisStep = Exclude<ConnectionStage, 'session'> | 'store';

/** The result of one step. */
export interface DiagnosisResult {
  /** The step. */
  step: DiagnosisStep;
  /** Whether it succeeded. */
  ok: boolean;
  /** What went wrong and what to do. */
  message?: string;
  /** Short name of the cause: the `reason` of the error, or else its code. */
  reason?: string;
}

/** The results of a test of connection settings. */
export interface Diagnosis {
  /** The steps in their order, up to the first that failed. */
  results: DiagnosisResult[];
  /** Milliseconds from request to answer, when everything worked. */
  roundTrip?: number;
}

const STEPS: DiagnosisStep[] = ['settings', 'network', 'tls', 'login', 'subscription', 'store'];

/**
 * Tries these options with a connection of its own: connects once, reads a key that does not exist, and returns the result of
 * each step as far as it came. A given client ID gets a random ending, so that a client that uses it is not disturbed.
 */
export async function diagnose(options: StateStoreClientOptions): Promise<Diagnosis> {
  const steps = STEPS.filter((step) => step !== 'tls' || Boolean(options.tls));
  const stopAt = (step: DiagnosisStep, error: StateStoreError | ConnectionError): Diagnosis => {
    const index = Math.max(0, steps.indexOf(step));
    const passed = steps.slice(0, index).map((one) => ({ step: one, ok: true }));
    const reason = error.reason ?? error.code;
    return {
      results: [
        ...passed,
        { step: steps[index] as DiagnosisStep, ok: false, message: error.message, reason },
      ],
    };
  };
  let client: StateStoreClient;
  try {
    const clientId = options.clientId && `${options.clientId}-test-${randomId().slice(0, 8)}`;
    client = new StateStoreClient({
      ...options,
      ...(clientId && { clientId }),
      cleanStart: true,
      sessionExpiry: 0,
    });
  } catch (error) {
    return stopAt('settings', error as StateStoreError);
  }
  try {
    const failure = await firstFailure(client);
    if (failure) return stopAt(failure.stage === 'session' ? 'login' : failure.stage, failure);
    const begin = performance.now();
    await client.get(`statestore-test/${randomId()}`);
    return {
      results: steps.map((step) => ({ step, ok: true })),
      roundTrip: Math.round((performance.now() - begin) * 10) / 10,
    };
  } catch (error) {
    const known = error instanceof StateStoreError ? error : new StateStoreError('UNKNOWN', String(error));
    return stopAt('store', known);
  } finally {
    await client.close();
  }
}

/** Connects once: resolves with why it failed, or with nothing. */
async function firstFailure(client: StateStoreClient): Promise<ConnectionError | undefined> {
  return new Promise((resolve) => {
    client.on('state', (state: ConnectionState) => {
      if (state.kind === 'connected') resolve(undefined);
      if (state.kind === 'disconnected' || state.kind === 'stopped') resolve(state.reason);
    });
    client.open();
  });
}
