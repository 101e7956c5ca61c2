/** The parts of the running Node-RED that are used here: how it reads property expressions, its log, texts and events. */
import { basename } from 'node:path';
import { StateStoreError } from '../errors';

/** `@node-red/util`, as far as it is used here. */
export interface NodeRed {
  util: {
    /** `a.b[0]` as `['a', 'b', 0]`. Throws `INVALID_EXPR`. References to `msg` in brackets are looked up in `object`. */
    normalisePropertyExpression(expression: string, object: object): unknown[];
    /** Throws `INVALID_EXPR`, or a TypeError when the parent does not exist. */
    getObjectProperty(object: object, expression: string): unknown;
    /** Returns false when nothing can be set there. `undefined` deletes. */
    setObjectProperty(object: object, expression: string, value: unknown): boolean;
  };
  log: {
    info(message: string): void;
    warn(message: string): void;
    error(message: string): void;
  };
  i18n: {
    /** Does nothing if it was called before, as Node-RED does when it starts. */
    init(settings: { lang: string }): void;
    /** The languages of a catalogue that was registered; `undefined` for any other. */
    availableLanguages(catalogue: string): string[] | undefined;
    registerMessageCatalog(catalogue: string, folder: string, file: string): Promise<void>;
    _(key: string, values: Record<string, string | number>): string;
  };
  events: {
    on(event: 'flows:started', listener: (started: Started) => void): unknown;
    off(event: 'flows:started', listener: (started: Started) => void): unknown;
  };
}

/** What Node-RED says when flows were started, as far as it is used here: everything that is deployed. */
interface Started {
  config?: { flows?: { id: string; type: string; z?: string }[] };
}

const MODULE = '@node-red/util';
/** What the type of an instance begins with, before the ID of its subflow. */
const SUBFLOW = 'subflow:';

/**
 * Calls `onStarted` with the IDs of all flows and nodes whenever these were started. Node-RED itself informs a context store at a deploy
 * only, so the flows loaded at its start would not be known. Returns a function that ends the calls.
 */
export function whenStarted({ events }: NodeRed, onStarted: (ids: string[]) => void): () => void {
  const listener = ({ config }: Started) => onStarted(idsOf(config));
  events.on('flows:started', listener);
  return () => events.off('flows:started', listener);
}

/** A node inside a subflow is another one in each instance, called as Node-RED calls it. */
function idsOf({ flows = [] }: Started['config'] = {}): string[] {
  const inside = new Map<string, string[]>();
  for (const { id, z = '' } of flows) {
    const others = inside.get(z);
    if (others) others.push(id);
    else inside.set(z, [id]);
  }
  return flows.flatMap(({ id, type }) => {
    const nodes = type.startsWith(SUBFLOW) ? inside.get(type.slice(SUBFLOW.length)) : undefined;
    return [id, ...(nodes ?? []).map((node) => `${id}-${node}`)];
  });
}

/**
 * Has the process end with exit code 1 if Node-RED's own command runs it: that command reports a failed start in the log and ends with 0,
 * so no supervisor would start it again. A program that embeds Node-RED decides itself.
 */
export function endWithFailure(): void {
  if (require.main && basename(require.main.filename) === 'red.js') process.exitCode = 1;
}

/**
 * The Node-RED that loads this module. Its folder is in the environment when it was started by its own command; a program
 * that embeds it has it among its own modules. A copy beside this package comes last: its log is another one.
 */
export function loadNodeRed(): NodeRed {
  const folders = [process.env.NODE_RED_HOME, require.main?.path, process.cwd(), __dirname];
  const paths = folders.filter((folder): folder is string => Boolean(folder));
  try {
    return require(require.resolve(MODULE, { paths })) as NodeRed;
  } catch (cause) {
    throw new StateStoreError(
      'BAD_ARGUMENT',
      'Node-RED was not found. Set the environment variable NODE_RED_HOME to the folder of the package node-red.',
      { cause },
    );
  }
}
