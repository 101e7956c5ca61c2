/** What an answer of the store means for the request it belongs to. */
import { isWrite, StateStoreError } from '../errors';
import type { Message } from '../mqtt/publish';
import { isApplied } from '../protocol/responses';
import { problemOf } from '../protocol/status';
import { TIMESTAMP } from '../protocol/user-properties';
import type { Pending } from './pending';
import type { Request } from './request';
import * as failure from './request-errors';
import type { StoreClock } from './store-clock';

/** The result for the caller. Throws the error it ends with. */
export function readAnswer(message: Message, pending: Pending, clock: StoreClock): unknown {
  const { request } = pending;
  const problem = problemOf(message);
  if (problem) {
    throw pending.isSecond
      ? failure.notOfTheFirst(request, problem.text)
      : failure.fromStatus(request, message.payload, problem);
  }
  const version = message.userProperty(TIMESTAMP);
  if (version !== undefined) advance(clock, version, request);
  if (pending.isSecond && !isApplied(message.payload))
    throw failure.notOfTheFirst(request, message.payload.toString('latin1').trim());
  return request.read(message, version, request);
}

function advance(clock: StoreClock, version: string, request: Request): void {
  let readable: boolean;
  try {
    readable = clock.receive(version, Date.now(), isWrite(request));
  } catch (cause) {
    if (cause instanceof StateStoreError) throw failure.skewed(request, cause);
    throw cause;
  }
  if (!readable) throw failure.badVersion(request, version);
}
