import { isUtf8 } from 'node:buffer';
import { printableKey } from '../../errors';
import type { Command } from '../command';
import { EXIT } from '../exit-code';
import { batches } from '../many-keys';
import { printableJson } from '../printable';
import { forStdout } from '../results';
import { printMessage, writeStdout } from '../streams';

export const keys: Command = {
  name: 'keys',
  usage: [['[PATTERN]', 'without PATTERN: all keys']],
  help: 'Writes the keys that match PATTERN, one key per line. "*" is any number of characters, "?" one, "[a-z]" one of a class. Put quotes around PATTERN. Use --json if keys are binary or have line breaks. Older brokers cannot list keys.',
  options: {},
  prepare(args) {
    const pattern = args.count === 0 ? Buffer.from('*') : args.required(0, 'PATTERN');
    args.atMost(1);
    const json = args.flag('json');
    return async (session) => {
      const store = await session.connect();
      let count = 0;
      for await (const batch of batches(store.keys(pattern))) {
        count += batch.length;
        await writeStdout(Buffer.concat(batch.map((key) => line(key, json))));
      }
      if (count === 0) printMessage(`no key matches ${printableKey(pattern)}`);
      return count > 0 ? EXIT.done : EXIT.notSo;
    };
  },
};

function line(key: Buffer, json: boolean): Buffer {
  if (!json) return Buffer.concat([Buffer.from(forStdout(key, false)), Buffer.from('\n')]);
  const shown = isUtf8(key) ? { key: key.toString() } : { keyBase64: key.toString('base64') };
  return Buffer.from(`${printableJson(JSON.stringify(shown))}\n`);
}
