import type { FlowIndex } from '../../storage/flow-index';
import type { Command } from '../command';
import { EXIT } from '../exit-code';
import { openFlowStore, PREFIX } from '../flow-versions';
import { printableJson, printableText } from '../printable';
import { show } from '../results';
import { printMessage } from '../streams';

export const flowsList: Command = {
  name: 'flows list',
  usage: [['', 'versions of flows in the store']],
  help: 'Lists the versions of the flows that Node-RED instances keep in the store, from the oldest to the newest. "*" marks the version that runs.',
  options: PREFIX,
  prepare(args) {
    args.atMost(0);
    return async (session) => {
      const index = await (await openFlowStore(session, args)).readIndex();
      if (index.versions.length === 0) {
        printMessage('there are no flows under this prefix');
        return EXIT.notSo;
      }
      await show(args.flag('json') ? jsonLines(index) : table(index));
      return EXIT.done;
    };
  },
};

function jsonLines({ versions, current }: FlowIndex): string {
  return versions
    .map((version) => `${printableJson(JSON.stringify({ ...version, current: version.id === current }))}\n`)
    .join('');
}

function table({ versions, current }: FlowIndex): string {
  const rows = versions.map(({ id, at, by, user, nodes }) =>
    [id === current ? '*' : '', id, at, user === undefined ? by : `${user} at ${by}`, String(nodes)].map(
      (cell) => printableText(cell).replace(/\s+/g, ' '),
    ),
  );
  const all = [['', 'ID', 'DEPLOYED', 'BY', 'NODES'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
