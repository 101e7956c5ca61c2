/** What is used of the Node-RED that runs: how it reads property expressions, and its log. */
import { StateStoreError } from '../protocol/errors';

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
}

const MODULE = '@node-red/util';

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
