import type { SetOptions } from '../../src/client/options';
import { Pending } from '../../src/client/pending';
import { Request } from '../../src/client/request';
import type { Operation } from '../../src/errors';

/** A request without a client. It began at 0 on the monotonic clock and has a second. */
export function pendingRequest(
  operation: Operation,
  key: string,
  { order = 0, copies = 0, ...options }: SetOptions & { order?: number; copies?: number } = {},
): Pending {
  const ignore = () => undefined;
  const request = new Request(operation, key, () => undefined, options, 1000);
  return Object.assign(new Pending(request, [], ignore, ignore, 0), { order, copies });
}
