import { printableKey } from '../../errors';
import type { Command } from '../command';
import { EXIT } from '../exit-code';
import { keysOf, writeEntries } from '../many-keys';
import { printMessage } from '../streams';

export const exportKeys: Command = {
  name: 'export',
  usage: [['PATTERN > FILE', 'backup of all keys that match']],
  help: 'Writes the keys that match PATTERN with values and versions, one line of JSON per key. The expiry of a key is not known to clients, so it is not in the file: an imported key does not expire. The export is not a snapshot: a key that changes meanwhile has its value before or after the change.',
  options: {},
  prepare(args) {
    const pattern = args.required(0, 'PATTERN');
    args.atMost(1);
    return async (session) => {
      const count = await writeEntries(await session.connect(), pattern);
      printMessage(count > 0 ? `exported ${keysOf(count)}` : `no key matches ${printableKey(pattern)}`);
      return count > 0 ? EXIT.done : EXIT.notSo;
    };
  },
};
