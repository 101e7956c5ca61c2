/** The change that an update node makes for one message, from the settings of the node. */
import type { Node, NodeAPI, NodeMessageInFlow } from 'node-red';
import type { Change } from '../../coordination/update';
import type { ErrorContext } from '../../errors';
import { recordsToBytes } from '../message/reference-data';
import { fieldText } from '../words/field-text';
import {
  type ChangeKind,
  changeOf,
  checkDigits,
  type Given,
  newBytes,
  presentValue,
  toChangeKind,
} from './change';
import { DELETE, Expression } from './expression';
import { isRecordChange, type RecordChange, recordChangeOf } from './record-change';
import type { Taker } from './taking';

/** The settings of an update node that decide about the change. */
export interface ChangeDef {
  change: ChangeKind | RecordChange | 'expression';
  /** JSONata, with `$value`. */
  expression: string;
  /** How many entries of a list are kept; blank: all. */
  keep: string;
  /** Of `set`: `ndjson` for a list of objects, one for each line. */
  format?: 'auto' | 'ndjson';
  /** The property that identifies a record; missing in nodes that were saved before this field existed. */
  identity?: string;
}

type KeyContext = ErrorContext & { key: string };

export class MessageChange {
  /** Whether the key holds reference data, one object for each line. */
  readonly isTable: boolean;
  readonly #def: ChangeDef;
  readonly #expression: Expression;

  constructor(RED: NodeAPI, node: Node, def: ChangeDef) {
    this.#def = def;
    this.isTable = isRecordChange(def.change) || (def.change === 'set' && def.format === 'ndjson');
    this.#expression = new Expression(RED, node, fieldText(def.expression));
  }

  /** `start` is the value of a missing key, `taker` has the name for which an entry is taken. Throws `BAD_ARGUMENT` for a wrong setting or a wrong given value. */
  of(
    given: Given,
    start: unknown,
    taker: Taker | undefined,
    msg: NodeMessageInFlow,
    context: KeyContext,
  ): Change {
    const { change: kind, keep, identity } = this.#def;
    if (kind === 'expression') return this.#evaluation(start, msg, context);
    if (isRecordChange(kind)) return recordChangeOf({ kind, given, identity: fieldText(identity), context });
    if (!this.isTable) {
      return changeOf({
        ...{ kind: toChangeKind(kind, context), given, start, keep, context },
        ...(taker !== undefined && { taker }),
      });
    }
    const bytes = Buffer.from(recordsToBytes(given.value, () => context));
    return () => bytes;
  }

  #evaluation(start: unknown, msg: NodeMessageInFlow, context: KeyContext): Change {
    this.#expression.check(context);
    return async (bytes) => {
      const present = presentValue(bytes, start, context);
      const next = await this.#expression.evaluate(msg, present, context);
      if (next === DELETE) return undefined;
      const made = newBytes(bytes, present, next, 'the result of the expression', context);
      if (made !== bytes) checkDigits(bytes, made, context);
      return made;
    };
  }
}
