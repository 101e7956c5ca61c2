import { existsSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { StateStoreError } from '../../errors';
import { currentOf } from '../../storage/flow-index';
import type { Command } from '../command';
import { EXIT } from '../exit-code';
import { openFlowStore, PREFIX } from '../flow-versions';
import { printMessage } from '../streams';
import { UsageError } from '../usage-error';
import { YES } from './delete';

export const flowsSave: Command = {
  name: 'flows save',
  usage: [['FILE [ID]', 'flows as files of Node-RED']],
  help: 'Writes the flows that run, or the version ID, to FILE, and their credentials beside it: flows.json and flows_cred.json. The credentials stay encrypted with credentialSecret. Existing files are replaced only with --yes.',
  options: { ...PREFIX, ...YES },
  prepare(args) {
    const file = args.required(0, 'FILE').toString();
    const id = args.bytes(1, 'ID')?.toString();
    args.atMost(2);
    const { dir, name, ext } = parse(file);
    const credentialsFile = join(dir, `${name}_cred${ext}`);
    const there = [file, credentialsFile].find((one) => existsSync(one));
    if (there !== undefined && !args.flag('yes'))
      throw new UsageError(`${there} exists already: choose another name, or use --yes to replace it`);
    return async (session) => {
      const flows = await openFlowStore(session, args);
      const index = await flows.readIndex();
      const version = id === undefined ? currentOf(index) : index.versions.find((one) => one.id === id);
      if (!version) {
        printMessage(id === undefined ? 'there are no flows under this prefix' : `there is no version ${id}`);
        return EXIT.notSo;
      }
      const content = readContent(await flows.read(version));
      writeFileSync(file, `${JSON.stringify(content.flows, null, 4)}\n`);
      writeFileSync(credentialsFile, `${JSON.stringify(content.credentials, null, 4)}\n`, { mode: 0o600 });
      printMessage(`saved version ${version.id} to ${file} and ${credentialsFile}`);
      return EXIT.done;
    };
  },
};

function readContent(bytes: Buffer): { flows: object[]; credentials: object } {
  const content: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof content === 'object' && content !== null && 'flows' in content && 'credentials' in content) {
    const { flows, credentials } = content;
    if (Array.isArray(flows) && typeof credentials === 'object' && credentials !== null)
      return { flows, credentials };
  }
  throw new StateStoreError('BAD_RESPONSE', 'The version has no flows.');
}
