/** What the page and the runtime exchange. Types only: nothing of the runtime is in the page. */
import type { SetKey, ShownValue } from '../../src/node-red/sidebar/protocol';

export type {
  DeleteKey,
  DeleteResponse,
  KeyPage,
  ListedStore,
  NamedKey,
  NamingNode,
  OpenedWatch,
  OpenWatch,
  ReadKey,
  RefusedResponse,
  RenewWatch,
  SetKey,
  SetResponse,
  Shown,
  StoreState,
  TestedConnection,
  WatchAcknowledgement,
  WatchMessage,
} from '../../src/node-red/sidebar/protocol';

/** A key that has a value. */
export type Held = ShownValue;

/** A value to set, wherever the key is. */
export type Change = Omit<SetKey, 'store'>;
