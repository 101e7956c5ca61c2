import { type Command, commandItems } from '../../src/protocol/commands';
import { encodeArray } from '../../src/protocol/resp3';

/** The payload of a request. */
export function encodeCommand(command: Command<string | Uint8Array>): Buffer {
  return encodeArray(commandItems(command));
}
