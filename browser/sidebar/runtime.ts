/** What the tab asks Node-RED for. */
import type {
  DeleteKey,
  DeleteResponse,
  ListedStore,
  NamedKey,
  ReadKey,
  RefusedResponse,
  SetKey,
  SetResponse,
  Shown,
  TestedConnection,
} from './messages';

/** Why something failed. `input`: the page itself found it; `refused`: the runtime said so. */
export interface Reason {
  kind: 'forbidden' | 'offline' | 'gone' | 'refused' | 'input';
  message: string;
  code?: string;
}

/** A failure that the page found before it asked Node-RED. */
export const badInput = (message: string): Reason => ({ kind: 'input', message });

export async function ask<T>(type: string, path: string, body?: object): Promise<T> {
  return $.ajax({
    type,
    url: `statestore/${path}`,
    dataType: 'json',
    ...(body && { contentType: 'application/json', data: JSON.stringify(body) }),
  });
}

/** The reason in what a request was rejected with. */
export function reasonOf(rejected: unknown): Reason {
  const { kind, message } = rejected as Partial<Reason>;
  if (kind === 'input') return { kind, message: message ?? '' };
  const xhr = rejected as JQuery.jqXHR;
  if (xhr.status === 401 || xhr.status === 403) return { kind: 'forbidden', message: '' };
  if (xhr.status === 0 || xhr.status === 502 || xhr.status === 504) return { kind: 'offline', message: '' };
  const { error, code } = (xhr.responseJSON ?? {}) as Partial<RefusedResponse>;
  return {
    kind: xhr.status === 404 ? 'gone' : 'refused',
    message: error || xhr.statusText,
    ...(code !== undefined && { code }),
  };
}

export const runtime = {
  stores: () => ask<ListedStore[]>('GET', 'stores'),
  namedKeys: (store: string) => ask<NamedKey[]>('GET', `stores/${store}/named-keys`),
  test: (store: string) => ask<TestedConnection>('POST', `stores/${store}/test`, {}),
  value: (store: string, key: string) => ask<Shown>('POST', 'value', { store, key } satisfies ReadKey),
  set: (change: SetKey) => ask<SetResponse>('POST', 'set', change),
  remove: (which: DeleteKey) => ask<DeleteResponse>('POST', 'delete', which),
};
