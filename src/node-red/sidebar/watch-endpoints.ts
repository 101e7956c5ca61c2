/** The watches of open pages: what is visible there. */
import type { NodeAPI } from 'node-red';
import { type Call, handler, nothing } from './endpoint';
import { ENDPOINTS } from './endpoint-table';
import { object, optional, text } from './fields';
import { keys } from './keys-and-values';
import type { KeyPage, OpenedWatch } from './protocol';
import { Refusal } from './refusal';
import type { Handler } from './route';
import { MAX_PREFIX } from './scanned-keys';
import { knownStore } from './store-endpoints';
import { MAX_VISIBLE, type Watch } from './watch';
import { Watches } from './watches';

/** Characters of an ID. */
export const MAX_ID = 1000;

export function watchHandlers(
  RED: NodeAPI,
): Record<'openWatch' | 'renewWatch' | 'listKeys' | 'endWatch', Handler> {
  const watches = new Watches(RED);
  const watchOf = ({ id }: Call<unknown>): Watch => {
    const watch = watches.renewed(id);
    if (!watch) throw new Refusal(404, 'noSuchWatch', 'This page has expired. Reload it.');
    return watch;
  };

  const openBody = object({ store: text(MAX_ID) });
  const openWatch = handler(RED, ENDPOINTS.openWatch, openBody, ({ body, user }): OpenedWatch => {
    const watch = watches.open(knownStore(body.store).id, user);
    if (!watch)
      throw new Refusal(503, 'tooManyWatches', 'Too many sidebar tabs are open. Close one of them.');
    return { watch: watch.id };
  });
  const renewBody = object({ keys: optional(keys(MAX_VISIBLE)) });
  const renewWatch = handler(RED, ENDPOINTS.renewWatch, renewBody, (call) => {
    const watch = watchOf(call);
    if (call.body.keys !== undefined) watch.show(call.body.keys);
    return {};
  });
  const listKeys = handler(RED, ENDPOINTS.listKeys, nothing, async (call): Promise<KeyPage> => {
    const { after, prefix = '' } = call.query;
    const watch = watchOf(call);
    if (after !== undefined) return watch.listAfter(text(MAX_ID)(after, 'after'));
    const page = await watch.list(text(MAX_PREFIX)(prefix, 'prefix'));
    if (!page) throw new Refusal(404, 'noKeyList', 'This store cannot list its keys.');
    return page;
  });
  const endWatch = handler(RED, ENDPOINTS.endWatch, nothing, ({ id }) => {
    watches.end(id);
    return {};
  });
  return { openWatch, renewWatch, listKeys, endWatch };
}
