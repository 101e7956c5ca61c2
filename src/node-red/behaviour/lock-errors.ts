/** What can become of a lock, in words. */
import type { NodeMessageInFlow } from 'node-red';
import { rootOf } from '../../coordination/coordination-errors';
import { causeFirst, StateStoreError } from '../../errors';
import { type Key, keyContext } from '../message/key';

const OPERATION = 'lock';

/** Another client held the lock for longer than the timeout of the message. `wait` is in milliseconds. */
export function notFree(key: Key, holder: string | undefined, wait: number): StateStoreError {
  const context = keyContext(OPERATION, key);
  return new StateStoreError(
    'NOT_FREE',
    {
      problem: `The lock ${context.key} was not free within ${wait / 1000} s${holder === undefined ? '' : `: it is held by ${holder}`}`,
      advice:
        'Connect the second output of the lock node for messages that do not get the lock, or increase the timeout.',
    },
    context,
  );
}

/** A deploy or the end of Node-RED came first. */
export function closed(key: Key): StateStoreError {
  const context = keyContext(OPERATION, key);
  const message = `The node was closed while the message waited for the lock ${context.key}.`;
  return new StateStoreError('CLOSED', message, context);
}

/** An error of a request on the way to the lock says what it means for the lock. */
export function notAcquired(key: Key, error: unknown): unknown {
  if (!(error instanceof StateStoreError) || !error.retryable) return error;
  const context = { ...keyContext(OPERATION, key), cause: error };
  const text = causeFirst(rootOf(error), `the lock ${context.key} was not acquired`);
  return new StateStoreError(error.code, text, context);
}

export function heldTooLong(key: Key, { _msgid }: NodeMessageInFlow, limit: number): StateStoreError {
  const context = keyContext(OPERATION, key);
  return new StateStoreError(
    'LEASE_LOST',
    {
      problem: `The lock ${context.key} was released after ${limit / 1000} s, because its message did not reach an unlock node`,
      advice: `Stop the protected work. Connect every branch of the flow to an unlock node, also from Catch nodes, or increase the max. hold time. (Message ${_msgid})`,
    },
    context,
  );
}

export function takenBack(key: Key): StateStoreError {
  const context = keyContext(OPERATION, key);
  return new StateStoreError(
    'LEASE_LOST',
    `The lock ${context.key} was released while the message held it, because its lock node was closed by a deploy. Stop the protected work.`,
    context,
  );
}
