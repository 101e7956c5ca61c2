import type { Command } from '../command';
import { EXIT } from '../exit-code';
import { openFlowStore, PREFIX } from '../flow-versions';
import { printMessage } from '../streams';

export const flowsRestore: Command = {
  name: 'flows restore',
  usage: [['ID', 'run an older version again']],
  help: 'Makes a version of "flows list" the version that runs. All Node-RED instances with this prefix load it.',
  options: PREFIX,
  prepare(args) {
    const id = args.required(0, 'ID').toString();
    args.atMost(1);
    return async (session) => {
      const flows = await openFlowStore(session, args);
      const version = (await flows.readIndex()).versions.find((one) => one.id === id);
      // A damaged version never replaces the flows that run.
      if (version) await flows.read(version);
      await flows.restore(id);
      printMessage(`version ${id} runs now`);
      return EXIT.done;
    };
  },
};
