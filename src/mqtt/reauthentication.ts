import { ReasonCode } from '../reason-codes';
import { pauseBefore } from './backoff';
import { expiryOf } from './jwt';
import { TokenWatch } from './token-watch';

/** A live connection that can be given a new token. */
export interface Bearer {
  /** Sends the token in an AUTH packet (MQTT 5 section 4.12.1). Returns false if the connection has no way to do so. */
  reauthenticate(token: Buffer): boolean;
  /** Ends the connection; the next one logs in with the newest token. */
  drop(why: string): void;
}

/**
 * `off`: there is no live connection. `rest`: the connection has the newest token. `asked`: the broker has not answered to the token.
 * `later`: the broker asked to send the token again later.
 */
type Phase = 'off' | 'rest' | 'asked' | 'later';

/** Sends a changed token to the broker: over the live connection, or with the next login. */
export class Reauthentication {
  /** Milliseconds the broker may take to answer. */
  readonly #patienceMs: number;
  #phase: Phase = 'off';
  #bearer: Bearer | undefined;
  /** A token that the broker has not accepted yet, newer than the token of the login. */
  #newest: Buffer | undefined;
  /** The token of the last login or AUTH packet. */
  #sent: Buffer | undefined;
  /** How often the broker asked to wait for the present token. */
  #refusals = 0;
  #timer: NodeJS.Timeout | undefined;
  #watch: TokenWatch | undefined;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Watches the token in a file. `onChange` is called after each change. */
  watch(tokenFile: string, onChange: () => void): void {
    this.#watch = new TokenWatch(tokenFile, (token) => {
      this.changed(token);
      onChange();
    });
  }

  /** When the token of the last login or AUTH packet expires, in milliseconds since 1970, if the token has an expiry. */
  get tokenExpiresAt(): number | undefined {
    return this.#sent && expiryOf(this.#sent);
  }

  /** True if a login that failed could succeed now, because there is a newer token. */
  get hasNewToken(): boolean {
    return this.#newest !== undefined;
  }

  /** An attempt begins, and will read the token. */
  begin(): void {
    this.ended();
    this.#newest = undefined;
  }

  /** The attempt logs in with this token. */
  loggingIn(token: Buffer): void {
    this.#watch?.know(token);
    this.#sent = token;
  }

  /** There is a connection. A token that changed during the login is sent immediately. */
  connected(bearer: Bearer): void {
    this.#bearer = bearer;
    this.#phase = 'rest';
    if (this.#newest && this.#sent && this.#newest.equals(this.#sent)) this.#newest = undefined;
    if (this.#newest) this.#ask(this.#newest);
  }

  /** The token on disk has changed. */
  changed(token: Buffer): void {
    this.#newest = token;
    if (this.#phase === 'rest' || this.#phase === 'later') {
      this.#refusals = 0;
      this.#ask(token);
    }
  }

  /** The broker answered with an AUTH packet: SUCCESS, or CONTINUE_AUTHENTICATION for "not now". */
  answered(reasonCode: number): void {
    if (this.#phase !== 'asked') return;
    clearTimeout(this.#timer);
    if (reasonCode !== ReasonCode.SUCCESS) {
      this.#phase = 'later';
      this.#timer = setTimeout(() => this.#askAgain(), pauseBefore(this.#refusals++));
      return;
    }
    this.#phase = 'rest';
    this.#refusals = 0;
    if (this.#newest !== this.#sent) this.#askAgain();
    else this.#newest = undefined;
  }

  /** The connection or attempt is over. */
  ended(): void {
    clearTimeout(this.#timer);
    this.#phase = 'off';
    this.#bearer = undefined;
    this.#refusals = 0;
  }

  /** Nothing follows any more. */
  stop(): void {
    this.ended();
    this.#watch?.stop();
  }

  #askAgain(): void {
    if (this.#newest) this.#ask(this.#newest);
  }

  #ask(token: Buffer): void {
    const bearer = this.#bearer;
    clearTimeout(this.#timer);
    if (!bearer?.reauthenticate(token)) {
      bearer?.drop('the new token needs a new login');
      return;
    }
    this.#phase = 'asked';
    this.#sent = token;
    this.#timer = setTimeout(
      () => bearer.drop('the broker did not answer to the new token'),
      this.#patienceMs,
    );
  }
}
