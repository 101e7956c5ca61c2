/** The parts of Node-RED's runtime that the storage uses. They are not in the types of the package `node-red`. */
import { EventEmitter } from 'node:events';
import type { DeployType } from './flow-index';

/** A node in Node-RED's list of flows. */
export interface FlowNode {
  id: string;
  type: string;
  [property: string]: unknown;
}

/** The argument of a storage module's `init`. */
export interface Runtime {
  log: {
    info(text: string): void;
    warn(text: string): void;
    error(text: string): void;
    addHandler(handler: EventEmitter): void;
  };
  events: EventEmitter;
  flows: {
    setFlows(
      flows: FlowNode[],
      credentials: unknown,
      type: DeployType,
      muteLog: boolean,
      forceStart: boolean,
      user: unknown,
    ): Promise<string>;
  };
  nodes: { getNodeList(): NodeSet[] };
  isStarted(): boolean;
}

/** One entry of Node-RED's list of installed nodes. */
interface NodeSet {
  module: string;
  version?: string;
  types: string[];
  enabled: boolean;
}

/** Milliseconds after which a deploy counts as finished although its nodes have not all closed and started. */
const MAX_DEPLOY_MS = 60_000;

const CORE_MODULE = 'node-red';
/** Types that Node-RED itself handles, without a module. */
const BUILT_IN = /^(tab|subflow|subflow:.*|group|junction|unknown|global-config)$/;

/** Deploys of this instance: their type, and their end. */
export class Deploys {
  readonly #runtime: Runtime;
  #type: DeployType = 'full';

  /** `onBegin` is called when Node-RED begins a deploy, just before it compares the revision of the editor with its own. */
  constructor(runtime: Runtime, onBegin: () => void) {
    this.#runtime = runtime;
    // Node-RED writes the type of a deploy into its audit log before it asks the storage to save the flows.
    const audit = new EventEmitter();
    audit.on('log', (entry: { event?: string; type?: string }) => {
      if (entry.event !== 'flows.set') return;
      this.#type = isDeployType(entry.type) ? entry.type : 'full';
      onBegin();
    });
    runtime.log.addHandler(audit);
  }

  /** The type of the deploy that is being saved. */
  get type(): DeployType {
    return this.#type;
  }

  /** Resolves when the flows that are being deployed have started, or after a minute. */
  ended(): Promise<void> {
    const { events } = this.#runtime;
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        events.off('runtime-event', onEvent);
        resolve();
      };
      const onEvent = ({ id }: { id?: string }) => {
        if (id === 'runtime-deploy') finish();
      };
      const timer = setTimeout(finish, MAX_DEPLOY_MS);
      timer.unref();
      events.on('runtime-event', onEvent);
    });
  }
}

/** The palette modules that these flows need, with the versions that are installed here. Core's own nodes are left out. */
export function modulesOf(flows: readonly FlowNode[], runtime: Runtime): Record<string, string> {
  const types = new Set(flows.map(({ type }) => type));
  const modules: Record<string, string> = {};
  for (const { module, version = '', types: provided } of runtime.nodes.getNodeList())
    if (module !== CORE_MODULE && provided.some((type) => types.has(type))) modules[module] = version;
  return modules;
}

/** The needed modules that are not installed here, as `name@version`, and the types that no installed module provides. */
export function missingHere(
  flows: readonly FlowNode[],
  modules: Readonly<Record<string, string>>,
  runtime: Runtime,
): { modules: string[]; types: string[] } {
  const list = runtime.nodes.getNodeList();
  const installed = new Set(list.map(({ module }) => module));
  const provided = new Set(list.filter(({ enabled }) => enabled).flatMap(({ types }) => types));
  const missing = Object.entries(modules).filter(([module]) => !installed.has(module));
  const types = new Set(flows.map(({ type }) => type));
  return {
    modules: missing.map(([module, version]) => (version === '' ? module : `${module}@${version}`)),
    types: [...types].filter((type) => !BUILT_IN.test(type) && !provided.has(type)),
  };
}

function isDeployType(type: string | undefined): type is DeployType {
  return type === 'full' || type === 'flows' || type === 'nodes';
}
