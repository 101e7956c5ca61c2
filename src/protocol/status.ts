/** What the user properties of an answer say about it: docs/protocol.md section 1. */
import {
  INVALID_PROPERTY_NAME,
  INVALID_PROPERTY_VALUE,
  PROTOCOL_VERSION,
  STATUS,
  STATUS_MESSAGE,
  SUPPORTED_VERSIONS,
} from './user-properties';

/**
 * What is wrong with an answer. `refused`: the status says that the request was not executed. `failed`: it says that something
 * went wrong on the way, so that the request may have been executed or not. `unreadable`: the answer itself is none.
 */
export interface StatusProblem {
  kind: 'refused' | 'failed' | 'unreadable';
  /** The status and all that was said about it. */
  text: string;
}

/** Status codes that say nothing about whether the request was executed: a timeout on the way. */
const REQUEST_TIMEOUT = 408;
const FIRST_SERVER_ERROR = 500;
const FIRST_SUCCESS = 200;
const FIRST_ERROR = 400;

/** An answer, as far as its user properties go. */
export interface Answer {
  /** `usual`: the value it has nearly always. */
  userProperty(name: string, usual?: string): string | undefined;
}

const USUAL_STATUS = '200';
const USUAL_VERSION = '1.0';

/** Reads status and protocol version. An answer without either is a good one. */
export function problemOf(answer: Answer): StatusProblem | undefined {
  const status = answer.userProperty(STATUS, USUAL_STATUS);
  const version = answer.userProperty(PROTOCOL_VERSION, USUAL_VERSION);
  if (
    (status === USUAL_STATUS || status === undefined) &&
    (version === USUAL_VERSION || version === undefined)
  )
    return undefined;
  if (status !== undefined) {
    const code = /^\d{3,4}$/.test(status) ? Number(status) : 0;
    if (code < FIRST_SUCCESS)
      return { kind: 'unreadable', text: `the status ${quoted(status)}, which is not a status code` };
    if (code >= FIRST_ERROR) {
      const kind = code === REQUEST_TIMEOUT || code >= FIRST_SERVER_ERROR ? 'failed' : 'refused';
      return { kind, text: statusText(status, answer) };
    }
  }
  if (version !== undefined && !/^1(\.|$)/.test(version)) {
    return {
      kind: 'unreadable',
      text: `the protocol version ${quoted(version)}, but this client supports only 1`,
    };
  }
  return undefined;
}

/** "header is missing (status 400; __ts: noon; the store knows the versions 1 2)". */
function statusText(status: string, answer: Answer): string {
  const message = answer.userProperty(STATUS_MESSAGE);
  const name = answer.userProperty(INVALID_PROPERTY_NAME);
  const value = answer.userProperty(INVALID_PROPERTY_VALUE);
  const versions = answer.userProperty(SUPPORTED_VERSIONS);
  const details = [
    ...(message ? [`status ${status}`] : []),
    ...(name !== undefined
      ? [`property ${name}${value === undefined ? '' : ` with the value ${quoted(value)}`}`]
      : []),
    ...(name === undefined && value !== undefined ? [`the value ${quoted(value)}`] : []),
    ...(versions !== undefined ? [`the store knows the protocol versions ${versions}`] : []),
  ];
  return `${message || `status ${status}`}${details.length > 0 ? ` (${details.join('; ')})` : ''}`;
}

/** Text from outside, so that one sees where it begins and ends; shortened when long. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
