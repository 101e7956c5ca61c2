/** The knowledge of one observed key, and the changes that follow from it: the table in docs/dev/architecture.md, "Observed keys". */
import { compareHlc, type Hlc, parseHlc } from '../protocol/hlc';

/** A change to report. `value` may be a view of a packet. `version` is absent if the key was found to be missing. */
export type Change =
  | { operation: 'set'; value: Uint8Array; version?: string }
  | { operation: 'delete'; version?: string };

/** The response to GET. A missing key has no version. */
export type Reading = { found: true; value: Buffer; version?: string } | { found: false };

/**
 * - `new`: KEYNOTIFY was never accepted. Notifications belong to an earlier observation.
 * - `accepted`: KEYNOTIFY was accepted, and the key was not read yet.
 * - `known`: the key was read.
 * - `doubtful`: the key was found to be missing, and no version says since when. A notification may be older than that reading, so the
 *   key is read again after each one.
 */
type Phase = 'new' | 'accepted' | 'known' | 'doubtful';

/** What follows from a notification: a change to report, or that the key has to be read again, or nothing. */
export type Effect = Change | 'read again' | undefined;

/**
 * A state machine without I/O and without a clock. Old notifications may arrive before, between and after the responses to KEYNOTIFY and
 * GET, so it compares versions and never the order of arrival.
 */
export class ObservedKey {
  #phase: Phase = 'new';
  /** Version of the latest change or reading. */
  #latest: Hlc | undefined;
  /** Version of the response to the latest KEYNOTIFY. */
  #accepted: Hlc | undefined;
  /** Version of the KEYNOTIFY before the latest reading. That reading covers every change that is not newer. */
  #covered: Hlc | undefined;
  /** Whether the key exists, as it was reported last. */
  #exists = false;
  /** Whether a notification was newer than all that was known, since KEYNOTIFY was sent. */
  #news = false;
  /** `once`: the key is being read again. `twice`: a notification came meanwhile, so it has to be read once more. */
  #rereading: 'no' | 'once' | 'twice' = 'no';

  /** Whether the key has to be read again now. */
  get isRereading(): boolean {
    return this.#rereading !== 'no';
  }

  /** Whether the key exists, as far as it is known. */
  get exists(): boolean {
    return this.#exists;
  }

  /** KEYNOTIFY is sent, for the first time or on a new connection. */
  notifySent(): void {
    this.#news = false;
  }

  /** The store accepted KEYNOTIFY. `version`: of its response, if there is one. */
  notifyAccepted(version: string | undefined): void {
    this.#accepted = hlcOf(version);
    if (this.#phase !== 'new') return;
    this.#phase = 'accepted';
    this.#covered = this.#accepted;
  }

  /** The key was read, after the latest KEYNOTIFY was accepted. Returns the change to report. */
  read(reading: Reading): Change | undefined {
    const accepted = this.#accepted;
    const change =
      this.#phase === 'accepted' && !this.#news
        ? this.#begin(reading, accepted)
        : this.#compare(reading, accepted);
    if (accepted) this.#covered = accepted;
    return change;
  }

  /** A notification came. */
  notified(change: Change): Effect {
    if (this.#phase === 'new') return undefined;
    if (this.#phase === 'doubtful') return this.#readAgain();
    const version = hlcOf(change.version);
    if (version && (isCoveredBy(this.#latest, version) || isCoveredBy(this.#covered, version)))
      return undefined;
    if (version) this.#latest = version;
    this.#news = true;
    return this.#report(change);
  }

  /** The key was read after {@link notified} asked for it. Returns the change to report. */
  readAgain(reading: Reading): Change | undefined {
    const once = this.#rereading === 'once';
    const change = this.#phase === 'doubtful' ? this.#compare(reading, undefined) : undefined;
    this.#rereading = once || this.#phase !== 'doubtful' ? 'no' : 'once';
    return change;
  }

  /** The key could not be read again. The next notification or the next connection makes up for it. */
  readAgainFailed(): void {
    this.#rereading = 'no';
  }

  #readAgain(): Effect {
    const first = this.#rereading === 'no';
    this.#rereading = first ? 'once' : 'twice';
    return first ? 'read again' : undefined;
  }

  /** The first reading is the state to compare with, and no change. */
  #begin(reading: Reading, accepted: Hlc | undefined): undefined {
    this.#exists = reading.found;
    this.#latest = reading.found ? hlcOf(reading.version) : undefined;
    this.#phase = reading.found || accepted ? 'known' : 'doubtful';
  }

  #compare(reading: Reading, accepted: Hlc | undefined): Change | undefined {
    return reading.found ? this.#found(reading) : this.#missing(accepted);
  }

  /** Unless a notification was newer, the reading is right even with an older version: another store may serve this broker by now. */
  #found({ value, version: text }: Reading & { found: true }): Change | undefined {
    this.#phase = 'known';
    const version = hlcOf(text);
    const order = version && this.#latest ? compareHlc(version, this.#latest) : 1;
    if (order === 0 || (order < 0 && this.#news)) return undefined;
    this.#latest = version;
    return this.#report({ operation: 'set', value, ...(text !== undefined && { version: text }) });
  }

  /**
   * The reading was made after the KEYNOTIFY with the version `accepted`. If a notification was newer than that, the key was deleted
   * after it, or set after the reading, and another notification follows.
   */
  #missing(accepted: Hlc | undefined): Change | undefined {
    if (this.#news && accepted && this.#latest && compareHlc(this.#latest, accepted) > 0) {
      this.#phase = 'known';
      return undefined;
    }
    this.#phase = accepted ? 'known' : 'doubtful';
    if (accepted) this.#latest = undefined;
    return this.#report({ operation: 'delete' });
  }

  /** A delete of a missing key is no change. */
  #report(change: Change): Change | undefined {
    if (change.operation === 'delete' && !this.#exists) return undefined;
    this.#exists = change.operation === 'set';
    return change;
  }
}

function hlcOf(version: string | undefined): Hlc | undefined {
  return version === undefined ? undefined : parseHlc(version);
}

function isCoveredBy(known: Hlc | undefined, version: Hlc): boolean {
  return known !== undefined && compareHlc(version, known) <= 0;
}
