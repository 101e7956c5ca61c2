/** The errors a request can end with, apart from the store's own refusals, in words that say what to do. */

import {
  actionOf,
  causeFirst,
  type ErrorCode,
  type ErrorContext,
  type Explanation,
  isWrite,
  notDone,
  StateStoreError,
} from '../errors';
import { type ConnectionError, reasonWords } from '../mqtt/connection-error';
import { ServiceError } from '../protocol/errors';
import { parseItem } from '../protocol/resp3';
import type { StatusProblem } from '../protocol/status';
import { REQUEST_TOPIC } from '../protocol/topics';
import { ReasonCode } from '../reason-codes';
import type { Request } from './request';

const NOTABLE_SILENCE_MS = 1000;
/** See {@link StateStoreError.reason}. */
const NO_ANSWER = 'noStateStoreAnswer';

export function timedOut(request: Request, strays: number): StateStoreError {
  const hint =
    strays > 0
      ? `Responses arrived that belong to no request (${strays}, with missing or foreign correlation data). Another program may respond on the topic of the state store.`
      : 'Check the load of the broker and the network, or increase the timeout.';
  return fail('TIMEOUT', request, {
    problem: `No response within ${request.timeout} ms to the request to ${actionOf(request)}`,
    advice: `${doubt(request)}${hint}`,
  });
}

/** No response has come on this connection, although the broker acknowledges requests. `responseTopic`: where this client waits for responses. */
export function unanswered(request: Request, responseTopic: string): StateStoreError {
  return fail(
    'TIMEOUT',
    request,
    {
      problem: `No response within ${request.timeout} ms to the request to ${actionOf(request)}, nor to any other on this connection, although the broker acknowledges requests`,
      advice: `${doubt(request)}Check that host and port are those of the broker with the state store, and that the state store runs. If it does, the access rules of the broker may keep its responses from this client: ask the broker administrator for a rule that lets this client receive the topic ${responseTopic}.`,
    },
    { reason: NO_ANSWER },
  );
}

/** `silenceMs`: how long the broker has sent nothing. */
export function notSent(request: Request, inFlight: number, silenceMs: number): StateStoreError {
  const cause =
    silenceMs < NOTABLE_SILENCE_MS
      ? `${inFlight} requests are in flight and the broker does not take more`
      : `The broker has sent nothing for ${Math.round(silenceMs / 1000)} s, and ${inFlight} requests are in flight`;
  return fail(
    'TIMEOUT',
    request,
    causeFirst(
      cause,
      `${notDone(request)} within ${request.timeout} ms, and nothing was sent`,
      silenceMs < NOTABLE_SILENCE_MS
        ? 'Send fewer messages at once, or increase the timeout.'
        : 'Check the broker and the network.',
    ),
    { applied: 'no' },
  );
}

/** Never sent, for want of a connection; at the deadline, or at once when none will come. */
export function notConnected(request: Request, reason: ConnectionError | undefined): StateStoreError {
  return fail(
    'NOT_CONNECTED',
    request,
    causeFirst(reason ?? 'Not connected', `${notDone(request)}, and nothing was sent`),
    reason && { cause: reason, retryable: reason.retryable },
  );
}

/** There is no connection, for any request. */
export function noConnection(reason: ConnectionError): StateStoreError {
  return new StateStoreError(reason.code, reason, { cause: reason, retryable: reason.retryable });
}

/** What waits already, and which limit that has reached. */
export interface FullQueue {
  limit: 'number' | 'bytes';
  waiting: number;
  bytes: number;
}

export function queueFull(
  request: Request,
  { limit, waiting, bytes }: FullQueue,
  reason: ConnectionError | undefined,
): StateStoreError {
  const byNumber = limit === 'number';
  return fail(
    'QUEUE_FULL',
    request,
    causeFirst(
      byNumber ? `The queue is full (${waiting} requests)` : `The queue is full (${bytes} bytes)`,
      `${notDone(request)}, and nothing was sent`,
      `Send fewer ${byNumber ? '' : 'or smaller '}messages at once, or increase the ${byNumber ? 'queue limit (in Node-RED: "Max. queued")' : 'limit of the queue in bytes'}.${reason ? ` ${reason.message}` : ''}`,
    ),
  );
}

export function outcomeUnknown(request: Request): StateStoreError {
  return fail('OUTCOME_UNKNOWN', request, {
    problem: `The connection was lost while the request to ${actionOf(request)} was under way, and the broker did not keep the session`,
    advice: doubt(request).trim(),
  });
}

/** A write that was sent again got an answer which the first time it was sent would explain as well. */
export function notOfTheFirst(request: Request, answer: string): StateStoreError {
  return fail('OUTCOME_UNKNOWN', request, {
    problem: `The request to ${actionOf(request)} was sent twice because the connection was lost, and the response (${answer.slice(0, 120)}) may belong to the second one`,
    advice: doubt(request).trim(),
  });
}

/** A write under way when the connection was lost, and the store does not say any more whether it arrived. */
export function arrivalUnknown(request: Request): StateStoreError {
  return fail('OUTCOME_UNKNOWN', request, {
    problem: `The connection was lost while the request to ${actionOf(request)} was under way, and the store no longer responds`,
    advice: doubt(request).trim(),
  });
}

export function closed(request: Request, sent: boolean): StateStoreError {
  return fail(
    'CLOSED',
    request,
    sent && isWrite(request)
      ? {
          problem: `The connection to the store was closed before the response to the request to ${actionOf(request)}`,
          advice: doubt(request).trim(),
        }
      : causeFirst(
          'The connection to the store was closed',
          `${notDone(request)}${sent ? '' : ', and nothing was sent'}`,
        ),
    sent ? {} : { applied: 'no' },
  );
}

export function tooLarge(request: Request, size: number, limit: number): StateStoreError {
  return fail(
    'BAD_ARGUMENT',
    request,
    causeFirst(
      `The request has ${size} bytes, but the broker accepts at most ${limit}`,
      notDone(request),
      'Use a smaller value or key.',
    ),
  );
}

/** The broker accepts smaller packets than the broker that this was sent to. A packet that needed a proof never arrived there. */
export function tooLargeAgain(
  { request, mayBeExecuted }: { request: Request; mayBeExecuted: boolean },
  bytes: number,
  most: number,
): StateStoreError {
  const unknown = isWrite(request) && request.idempotent && mayBeExecuted;
  return unknown ? outcomeUnknown(request) : tooLarge(request, bytes, most);
}

/** The broker acknowledged the publish with a failure (MQTT 5 section 3.4.2.1). */
function notDelivered(request: Request, reasonCode: number): StateStoreError {
  const { retryable, ...cause } = delivery(reasonCode);
  return fail('REFUSED', request, causeFirst(cause, notDone(request)), { reasonCode, retryable });
}

/** As {@link notDelivered}, unless an earlier publish of the request may have been executed. */
export function refusedByBroker(
  { isSecond, request }: { isSecond: boolean; request: Request },
  reasonCode: number,
): StateStoreError {
  return isSecond ? notOfTheFirst(request, reasonWords(reasonCode)) : notDelivered(request, reasonCode);
}

/** The broker had no room for the request (PUBACK with QUOTA_EXCEEDED) until its deadline. */
export function noRoom(request: Request): StateStoreError {
  const { retryable, ...cause } = delivery(ReasonCode.QUOTA_EXCEEDED);
  const consequence = `${notDone(request)} within ${request.timeout} ms`;
  return fail('REFUSED', request, causeFirst(cause, consequence), {
    reasonCode: ReasonCode.QUOTA_EXCEEDED,
    retryable,
  });
}

/** The broker had no room for a write (PUBACK with QUOTA_EXCEEDED), and accepted a later one of the same key: sent again, it would undo that. */
export function overtaken(request: Request): StateStoreError {
  const { retryable, problem } = delivery(ReasonCode.QUOTA_EXCEEDED);
  const cause = {
    problem,
    advice: 'A later write of the same key was accepted, so this one was not sent again.',
  };
  return fail('REFUSED', request, causeFirst(cause, notDone(request)), {
    reasonCode: ReasonCode.QUOTA_EXCEEDED,
    retryable,
  });
}

/** The status or the protocol version of the answer is no success. An `-ERR` payload that is known says more than the status. */
export function fromStatus(
  request: Request,
  payload: Buffer,
  { kind, text }: StatusProblem,
): StateStoreError {
  if (kind === 'unreadable') {
    return fail('BAD_RESPONSE', request, {
      problem: `The response to the request to ${actionOf(request)} has ${text}`,
      advice: `${doubt(request)}Check that the state store, and no other program, responds on this broker.`,
    });
  }
  const refusal = ServiceError.fromText(refusalText(payload) ?? text, contextOf(request));
  if (kind === 'refused' || refusal.code !== 'UNKNOWN' || !isWrite(request)) return refusal;
  return fail('OUTCOME_UNKNOWN', request, {
    problem: `${text.charAt(0).toUpperCase()}${text.slice(1)}: the state store could not ${actionOf(request)}`,
    advice: `${doubt(request)}The log of the broker may have the reason.`,
  });
}

function refusalText(payload: Buffer): string | undefined {
  try {
    const item = parseItem(payload);
    return item.type === 'error' ? item.text : undefined;
  } catch {
    return undefined; // The status is enough, for any payload.
  }
}

export function badVersion(request: Request, version: string): StateStoreError {
  return fail('BAD_RESPONSE', request, {
    problem: `The response to the request to ${actionOf(request)} has the invalid version ${JSON.stringify(version.slice(0, 60))}`,
    advice: `${doubt(request)}Check that the state store, and no other program, responds on this broker.`,
  });
}

export function skewed(request: Request, cause: StateStoreError): StateStoreError {
  return fail(
    'TIMESTAMP_SKEW',
    request,
    {
      problem: `The response to the request to ${actionOf(request)} was discarded: the clock of the broker is ahead of the clock of this computer`,
      advice: `${doubt(request)}${cause.message}`,
    },
    { cause, ...(isWrite(request) && { applied: 'unknown' }) },
  );
}

/** The broker answers the same publish with these again. */
const LASTING = new Set<number>([
  ReasonCode.TOPIC_NAME_INVALID,
  ReasonCode.PACKET_TOO_LARGE,
  ReasonCode.PAYLOAD_FORMAT_INVALID,
]);

function delivery(reasonCode: number): Explanation & { retryable: boolean } {
  const code = reasonWords(reasonCode);
  switch (reasonCode) {
    case ReasonCode.NO_MATCHING_SUBSCRIBERS:
      return {
        problem: `there is no state store on this broker: ${code}`,
        advice:
          'Check that host and port are those of the Azure IoT Operations MQTT broker or of the emulator.',
        retryable: true,
      };
    case ReasonCode.NOT_AUTHORIZED:
      return {
        problem: `the broker does not allow this client to publish to ${REQUEST_TOPIC}: ${code}`,
        advice: 'Ask the broker administrator for a rule that allows it.',
        retryable: false,
      };
    case ReasonCode.QUOTA_EXCEEDED:
      return {
        problem: `the broker has no room for more messages: ${code}`,
        advice: 'Send fewer messages at once.',
        retryable: true,
      };
    default:
      return {
        problem: `the broker rejected the request: ${code}`,
        advice: 'See the log of the broker.',
        retryable: !LASTING.has(reasonCode),
      };
  }
}

/** What to think of a write that went out and was not confirmed. */
function doubt(request: Request): string {
  return isWrite(request) ? 'It may or may not have been applied. Get the key to find out. ' : '';
}

function fail(
  code: ErrorCode,
  request: Request,
  message: Explanation,
  more: Partial<ErrorContext> = {},
): StateStoreError {
  return new StateStoreError(code, message, { ...contextOf(request), ...more });
}

function contextOf({ operation, key, keyPrefix }: Request): ErrorContext {
  return { operation, key, keyPrefix };
}
