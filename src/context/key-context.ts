import type { CachedValues } from './cached-values';
import type { DeletedKeys } from './deleted-keys';
import type { Link } from './link';
import type { StoreLog } from './store-log';

/** The parts of a context store that its keys share. */
export interface KeyContext {
  readonly link: Link;
  readonly values: CachedValues;
  readonly log: StoreLog;
  readonly deleted: DeletedKeys;
}
