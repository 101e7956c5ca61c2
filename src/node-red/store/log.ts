import type { NodeAPI } from 'node-red';
import type { StateStoreClientOptions } from '../../client/options';
import { errorText } from '../words/localize';
import { translate } from '../words/translate';
import type { StoreConnection, StoreNode } from './store';

/** Milliseconds. A failure that passes within this time, such as an emulator that is still starting, is not logged. */
const PATIENCE_MS = 2000;

/** Logs when a connection is made, is lost, or fails for another reason than before. Logs contain no secrets. */
export function logConnection(RED: NodeAPI, node: StoreNode): void {
  let logged = '';
  let latest: (StoreConnection & { kind: 'disconnected' | 'stopped' })['reason'];
  let timer: NodeJS.Timeout | undefined;

  const logOnce = (text: string, log: (text: string) => void): void => {
    clearTimeout(timer);
    timer = undefined;
    if (text === logged) return;
    logged = text;
    log(text);
  };
  node.store.on('state', (state) => {
    switch (state.kind) {
      case 'connected':
        logOnce(connected(RED, state.port), (text) => node.log(text));
        if (isUnverified(node.store.options)) node.warn(translate(RED, 'log.unverified'));
        if (isReadable(node.store.options)) node.warn(translate(RED, 'log.readable'));
        break;
      case 'disconnected':
      case 'stopped': {
        latest = state.reason;
        const warn = () => logOnce(errorText(RED, latest.reason, latest.message), (text) => node.warn(text));
        if (latest.retry === 'soon') timer ??= setTimeout(warn, PATIENCE_MS);
        else warn();
        break;
      }
      case 'closed':
        clearTimeout(timer);
        break;
    }
  });
}

function connected(RED: NodeAPI, port: number | undefined): string {
  return port === undefined ? translate(RED, 'log.connected') : translate(RED, 'log.connectedAt', { port });
}

function isUnverified({ tls }: StateStoreClientOptions): boolean {
  return typeof tls === 'object' && tls.verify === false;
}

/** A login that is sent unencrypted to another computer. */
function isReadable({ tls, host, username, tokenFile }: StateStoreClientOptions): boolean {
  return (
    !tls && (username ?? tokenFile) !== undefined && !/^(localhost|127\..*|::1)$/.test(host ?? 'localhost')
  );
}
