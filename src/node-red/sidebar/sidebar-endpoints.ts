/**
 * What the tab in the editor's sidebar asks the runtime for: which stores there are, which keys their nodes name, a watch on what is
 * visible, and changes. Reading needs the permission `statestore.read`, changing `statestore.write`. Nothing may be cached.
 */
import type { Request, Response } from 'express';
import type { NodeAPI } from 'node-red';
import type { StateStoreClient } from '../../client/state-store-client';
import { printableKey, StateStoreError } from '../../errors';
import { deployedStore, deployedStores, runningStore } from '../store/deployed-stores';
import type { Guest } from '../store/store';
import { testDeployedStore } from '../store/test-connection';
import { asError } from '../words/as-error';
import { translate } from '../words/translate';
import { namedKeys } from './key-usage';
import { bodyOf, expiryIn, flagIn, keyIn, keysIn, Refusal, textIn, valueIn } from './page-request';
import type { ListedStore } from './protocol';
import { shownValue } from './shown-value';
import { MOST_VISIBLE, type Watch } from './watch';
import { Watches } from './watches';

/** Bytes of a value that is asked for as a whole. */
const MOST_WHOLE_BYTES = 1_048_576;
const READ = 'statestore.read';
const WRITE = 'statestore.write';

type Serve = (request: Request) => unknown | Promise<unknown>;

export function serveSidebar(RED: NodeAPI): void {
  const watches = new Watches(RED);
  const on = (method: 'get' | 'post' | 'put' | 'delete', path: string, permission: string, serve: Serve) =>
    RED.httpAdmin[method](`/statestore/${path}`, RED.auth.needsPermission(permission), (request, response) =>
      answer(request, response, serve),
    );

  on('get', 'stores', READ, () => storesOf(RED));
  on('get', 'stores/:id/named-keys', READ, (request) => {
    const id = known(RED, param(request));
    return namedKeys(RED, id).map(({ key, ...rest }) => ({
      key: Buffer.from(key).toString('base64'),
      ...rest,
    }));
  });
  on('post', 'stores/:id/test', WRITE, (request) => testDeployedStore(RED, known(RED, param(request))));

  on('post', 'watches', READ, (request) => {
    const watch = watches.open(known(RED, textIn(bodyOf(request), 'store')));
    if (!watch) throw new Refusal(503, 'Too many pages look into stores already. Close one of them.');
    return { watch: watch.id };
  });
  on('put', 'watches/:id', READ, (request) => {
    const body = bodyOf(request);
    const watch = watchOf(watches, request);
    if (body.keys !== undefined) watch.show(keysIn(body, MOST_VISIBLE));
    return {};
  });
  on('get', 'watches/:id/keys', READ, (request) => {
    const page = watchOf(watches, request).list(request.query.anew === 'true');
    if (!page) throw new Refusal(404, 'This store has no list of its keys.');
    return page;
  });
  on('delete', 'watches/:id', READ, (request) => {
    watches.end(param(request));
    return {};
  });

  on('post', 'value', READ, (request) => {
    const body = bodyOf(request);
    const key = keyIn(body);
    return using(RED, body, async (client) =>
      shownValue(
        await client.get(key).catch((reason) => ({ error: asError(reason, 'get') })),
        MOST_WHOLE_BYTES,
      ),
    );
  });
  on('post', 'set', WRITE, (request) => {
    const body = bodyOf(request);
    const [key, value, expiry] = [keyIn(body), valueIn(body), expiryIn(body)];
    const options = {
      ...(flagIn(body, 'onlyIfNew') && { condition: 'NX' as const }),
      ...(expiry !== undefined && { expiry }),
    };
    return written(RED, request, body, 'set', key, (client) => client.set(key, value, options));
  });
  on('post', 'delete', WRITE, (request) => {
    const body = bodyOf(request);
    const key = keyIn(body);
    // A lock is taken from the one who was seen with it, not from who may have it by now.
    const holder = body.holder === undefined ? undefined : textIn(body, 'holder');
    return written(RED, request, body, 'delete', key, (client) =>
      holder === undefined ? client.delete(key) : client.deleteIfValue(key, holder),
    );
  });
}

function answer(request: Request, response: Response, serve: Serve): void {
  response.set('Cache-Control', 'no-store');
  Promise.resolve()
    .then(() => serve(request))
    .then(
      (result) => response.json(result),
      (error) => {
        const status = error instanceof Refusal ? error.status : statusOf(error);
        const code = error instanceof StateStoreError ? { code: error.code } : {};
        response
          .status(status)
          .json({ error: error instanceof Error ? error.message : String(error), ...code });
      },
    );
}

/** 409: the request is right, but the store or the way to it does not allow it. */
function statusOf(error: unknown): number {
  if (!(error instanceof StateStoreError)) return 500;
  return error.code === 'BAD_ARGUMENT' ? 400 : 409;
}

function param(request: Request): string {
  return String(request.params.id);
}

function storesOf(RED: NodeAPI): ListedStore[] {
  return deployedStores(RED).map(({ id, name, source, host, port }) => ({
    id,
    name: name ?? '',
    ...(source === 'environment' ? { address: '' } : addressOf(RED, id, host, port)),
  }));
}

function addressOf(
  RED: NodeAPI,
  id: string,
  host: string | undefined,
  port: string | number | undefined,
): Pick<ListedStore, 'address' | 'movedTo'> {
  const movedTo = runningStore(RED, id)?.movedTo;
  const address = `${host || 'localhost'}:${movedTo ?? (port || 1883)}`;
  return { address, ...(movedTo !== undefined && { movedTo }) };
}

/** The ID, if it is that of a deployed store. */
function known(RED: NodeAPI, id: string): string {
  if (!deployedStore(RED, id)) throw new Refusal(404, 'There is no such store. Deploy it first.');
  return id;
}

function watchOf(watches: Watches, request: Request): Watch {
  const watch = watches.renewed(param(request));
  if (!watch) throw new Refusal(404, 'There is no such watch any more.');
  return watch;
}

/** Does something with the client of a store, which the nodes share. */
async function using<T>(
  RED: NodeAPI,
  body: Record<string, unknown>,
  work: (client: StateStoreClient) => Promise<T>,
): Promise<T> {
  const store = runningStore(RED, known(RED, textIn(body, 'store')));
  if (!store) throw new Refusal(404, 'This store does not run. Deploy it, and enable it.');
  // Closing waits for guests; a request takes no longer than the timeout of the store.
  const guest: Guest = { onClosing: () => store.releaseGuest(guest) };
  const client = store.registerGuest(guest);
  try {
    return await work(client);
  } finally {
    store.releaseGuest(guest);
  }
}

/** Changes a key, and says so in the log, whatever became of it: who and which key, never the value. */
async function written<T>(
  RED: NodeAPI,
  request: Request,
  body: Record<string, unknown>,
  operation: 'set' | 'delete',
  key: Buffer,
  write: (client: StateStoreClient) => Promise<T>,
): Promise<T> {
  const store = known(RED, textIn(body, 'store'));
  const { user } = request as { user?: { username?: string } };
  const who = printableKey(Buffer.from(user?.username ?? 'anonymous'));
  const shown = printableKey(key);
  const tell = (outcome: string) => {
    const text = translate(RED, `log.${operation}`, { user: who, key: shown, outcome });
    const node = RED.nodes.getNode(store);
    if (node) node.log(text);
    else RED.log.info(text);
    RED.log.audit({ event: `statestore.${operation}`, store, key: shown, outcome } as never, request);
  };
  try {
    const result = await using(RED, body, write);
    tell(outcomeOf(result));
    return result;
  } catch (error) {
    if (error instanceof StateStoreError) tell(error.code);
    throw error;
  }
}

function outcomeOf(result: unknown): string {
  const { stored, deleted } = result as { stored?: boolean; deleted?: boolean };
  return (stored ?? deleted) ? 'done' : 'nothing changed';
}
