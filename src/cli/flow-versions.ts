/** The versions of flows that Node-RED instances keep in the store. */
import { FlowStore } from '../storage/flow-store';
import type { Arguments, Options } from './arguments';
import type { Session } from './session';

export const PREFIX: Options = {
  prefix: {
    type: 'string',
    value: 'TEXT',
    help: 'the option prefix of the flow storage (default nodered-flows)',
  },
};

/** Connects, and opens the flows under `--prefix`. */
export async function openFlowStore(session: Session, args: Arguments): Promise<FlowStore> {
  return new FlowStore(await session.connect(), {
    prefix: args.text('prefix') ?? 'nodered-flows',
    persist: true,
    // Both are for deploys only.
    keep: 1,
    maxBytes: 1,
  });
}
