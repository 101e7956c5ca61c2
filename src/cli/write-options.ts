/** Options of writes that more than one command has. */
import type { SetOptions } from '../client/options';
import { parseHlc } from '../protocol/hlc';
import type { Arguments, Options } from './arguments';
import { UsageError } from './usage-error';

export const FENCING_TOKEN: Options = {
  'fencing-token': {
    type: 'string',
    value: 'VERSION',
    help: 'the version of the lock that protects the key',
  },
};

export const PERSIST: Options = {
  persist: { type: 'boolean', help: 'ask that the key survive a restart of the broker' },
};

export function readFencingToken(args: Arguments): Pick<SetOptions, 'fencingToken'> {
  const fencingToken = args.text('fencing-token');
  if (fencingToken === undefined) return {};
  if (parseHlc(fencingToken)) return { fencingToken };
  throw new UsageError(
    `--fencing-token must be a version that the store returned, like 001737000000000:00000:name, not "${fencingToken}"`,
  );
}

export function readCondition(args: Arguments): Pick<SetOptions, 'condition'> {
  const condition = args.text('condition');
  if (condition === undefined) return {};
  if (condition === 'NX' || condition === 'NEX') return { condition };
  throw new UsageError(`--condition must be NX or NEX, not "${condition}"`);
}
