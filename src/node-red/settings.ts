import type { StateStoreClientOptions } from '../client/options';

/** What the editor saves for a `statestore-config`; numbers may be text, and text may be empty. */
export interface StoreSettings {
  host: string;
  port: string | number;
  clientId: string;
  /** Seconds. */
  timeout: string | number;
  queueLimit: string | number;
}

/** The client's options for these settings. What is left blank takes the client's default. */
export function readStoreSettings(settings: StoreSettings): StateStoreClientOptions {
  const { host, port, clientId, timeout, queueLimit } = settings;
  return {
    ...(host && { host: host.trim() }),
    ...(given(port) && { port: Number(port) }),
    ...(clientId && { clientId: clientId.trim() }),
    ...(given(timeout) && { timeout: Math.round(Number(timeout) * 1000) }),
    ...(given(queueLimit) && { queueLimit: Number(queueLimit) }),
  };
}

function given(value: string | number | undefined): boolean {
  return value !== undefined && value !== '';
}
