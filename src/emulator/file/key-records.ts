/**
 * Records of a file of keys: their bytes, and how they are found again in a file that is torn or damaged. A record is a marker, the length
 * and the checksum (CRC-32) of its content, and the content. All numbers are little-endian.
 */
import { crc32 } from 'node:zlib';
import type { Change } from '../store/change';

/** A change of a key, or the latest version of the store. */
export type KeyRecord = Change | { kind: 'version'; version: string };

const MARKER = Buffer.from([0xe5, 0x5d, 0xa7, 0x1c]);
const LENGTH_AT = MARKER.length;
const CHECKSUM_AT = LENGTH_AT + 4;
const HEAD_BYTES = CHECKSUM_AT + 4;
/** Content: type, then milliseconds since 1970 when the key expires and milliseconds that it has left, then lengths, then bytes. */
const EXPIRES_AT = 1;
const LIFE_AT = EXPIRES_AT + 8;
const LENGTHS_AT = LIFE_AT + 8;
const FIXED_BYTES = LENGTHS_AT + 4 * 4;
/** More than the largest packet of MQTT, and so more than any record. */
const MAX_CONTENT_BYTES = 2 ** 28 + 2 ** 16;

const TYPES = ['set', 'delete', 'version'] as const;
const NOTHING = Buffer.alloc(0);

/** `nowMs`: milliseconds since 1970. */
export function encodeRecord(record: KeyRecord, nowMs: number): Buffer {
  const isSet = record.kind === 'set';
  const lifeMs = (isSet ? record.lifeMs : undefined) ?? Number.POSITIVE_INFINITY;
  const key = record.kind === 'version' ? NOTHING : record.key;
  const value = isSet ? record.value : NOTHING;
  const version = Buffer.from(record.version);
  const fence = Buffer.from((isSet && record.fence) || '');
  const parts = [key, version, fence, value];
  const contentBytes = parts.reduce((sum, part) => sum + part.length, FIXED_BYTES);
  const out = Buffer.allocUnsafe(HEAD_BYTES + contentBytes);
  out.set(MARKER);
  out.writeUInt32LE(contentBytes, LENGTH_AT);
  const content = out.subarray(HEAD_BYTES);
  content[0] = TYPES.indexOf(record.kind);
  content.writeDoubleLE(nowMs + lifeMs, EXPIRES_AT);
  content.writeDoubleLE(lifeMs, LIFE_AT);
  let at = FIXED_BYTES;
  for (const [index, part] of parts.entries()) {
    content.writeUInt32LE(part.length, LENGTHS_AT + 4 * index);
    content.set(part, at);
    at += part.length;
  }
  out.writeUInt32LE(crc32(content), CHECKSUM_AT);
  return out;
}

/** The rest of a key's life: no more than it had, even if the wall clock was set back. */
function decodeContent(content: Buffer, nowMs: number): KeyRecord | undefined {
  const kind = TYPES[content[0] as number];
  const parts: Buffer[] = [];
  let at = FIXED_BYTES;
  for (let index = 0; index < 4; index++) {
    const end = at + content.readUInt32LE(LENGTHS_AT + 4 * index);
    parts.push(content.subarray(at, end));
    at = end;
  }
  const [key, version, fence, value] = parts as [Buffer, Buffer, Buffer, Buffer];
  if (kind === undefined || at !== content.length) return undefined;
  if (kind === 'version') return { kind, version: version.toString() };
  if (kind === 'delete') return { kind, key, version: version.toString() };
  const left = Math.min(content.readDoubleLE(LIFE_AT), content.readDoubleLE(EXPIRES_AT) - nowMs);
  return {
    ...{ kind, key, value, version: version.toString() },
    fence: fence.length === 0 ? undefined : fence.toString(),
    lifeMs: left === Number.POSITIVE_INFINITY ? undefined : Math.max(0, left),
  };
}

/** What was found in the bytes of a file. */
export interface RecordsFound {
  records: number;
  /** Where the last whole record ends. */
  wholeBytes: number;
  /** Bytes that are not part of a record. A last record that is cut off is not counted: a process that was killed leaves it. */
  damagedBytes: number;
}

/** Reads the records from `start` on. `onRecord` is called for each whole record, also behind damaged bytes; it must copy what it keeps. */
export function readRecords(
  data: Buffer,
  start: number,
  nowMs: number,
  onRecord: (record: KeyRecord) => void,
): RecordsFound {
  let [records, wholeBytes, damagedBytes] = [0, start, 0];
  for (let at = data.indexOf(MARKER, start); at >= 0; ) {
    const end = endOf(data, at);
    const record = end === undefined ? undefined : recordAt(data, at, end, nowMs);
    if (record && end !== undefined) {
      damagedBytes += at - wholeBytes;
      wholeBytes = end;
      records++;
      onRecord(record);
    }
    at = data.indexOf(MARKER, record && end !== undefined ? end : at + 1);
  }
  if (!isCutOff(data, wholeBytes)) damagedBytes += data.length - wholeBytes;
  return { records, wholeBytes, damagedBytes };
}

/** Where the record at this place ends according to its head, also beyond the data. */
function endOf(data: Buffer, at: number): number | undefined {
  if (at + HEAD_BYTES > data.length) return undefined;
  const contentBytes = data.readUInt32LE(at + LENGTH_AT);
  const isPossible = contentBytes >= FIXED_BYTES && contentBytes <= MAX_CONTENT_BYTES;
  return isPossible ? at + HEAD_BYTES + contentBytes : undefined;
}

function recordAt(data: Buffer, at: number, end: number, nowMs: number): KeyRecord | undefined {
  if (end > data.length) return undefined;
  const content = data.subarray(at + HEAD_BYTES, end);
  return crc32(content) === data.readUInt32LE(at + CHECKSUM_AT) ? decodeContent(content, nowMs) : undefined;
}

/** Whether the data end within the record at this place, or with bytes 0 that a file system put there. */
function isCutOff(data: Buffer, at: number): boolean {
  if (data.length - at < HEAD_BYTES) return true;
  const end = endOf(data, at);
  const isMarked = data.compare(MARKER, 0, LENGTH_AT, at, at + LENGTH_AT) === 0;
  return (isMarked && end !== undefined && end > data.length) || isZero(data, at);
}

export function isZero(data: Buffer, from: number): boolean {
  return data.subarray(from).every((byte) => byte === 0);
}
