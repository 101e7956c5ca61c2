/** Fencing tokens: docs/protocol.md section 5. */
import { compareHlc, type Hlc, isSkewed, parseHlc } from '../../protocol/hlc';
import { refusal } from './refusal';

/** The fencing token of a request. Throws `ServiceError` if it is not valid. */
export function readFence(fencingToken: string | undefined, nowMs: number): Hlc | undefined {
  if (fencingToken === undefined) return undefined;
  const fence = parseHlc(fencingToken);
  if (!fence) throw refusal('TIMESTAMP_MALFORMED');
  if (isSkewed(fence, nowMs)) throw refusal('FENCING_TOKEN_SKEW');
  return fence;
}

/** A protected key needs a fencing token that is equal or newer. Throws `ServiceError` otherwise. */
export function checkFence(protection: Hlc | undefined, fence: Hlc | undefined): void {
  if (!protection) return;
  if (!fence) throw refusal('FENCING_TOKEN_REQUIRED');
  if (compareHlc(fence, protection) < 0) throw refusal('FENCING_TOKEN_LOWER_VERSION');
}
