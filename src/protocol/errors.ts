/** The store's refusals. Codes and the texts behind them: docs/protocol.md section 3. */
import {
  actionOf,
  causeFirst,
  type ErrorContext,
  type Explanation,
  isRead,
  type ServiceErrorCode,
  StateStoreError,
} from '../errors';

/** The store received the request and refused it. `text` is the store's own wording. */
export class ServiceError extends StateStoreError {
  /** Name of the class. */
  override readonly name = 'ServiceError';
  /** The store's refusal. */
  override readonly code: ServiceErrorCode;
  /** The store's own wording. */
  readonly text: string;

  /** `text`: the store's own wording, without `-ERR`. */
  constructor(code: ServiceErrorCode, text: string, context: ErrorContext = {}) {
    super(code, describe(code, text, context), context);
    this.code = code;
    this.text = text;
  }

  /** The error that an `-ERR {text}` answer stands for. Unknown texts become `UNKNOWN` and keep their wording. */
  static fromText(text: string, context: ErrorContext = {}): ServiceError {
    const wanted = text.trim().toLowerCase();
    const known = Object.entries(SERVICE_ERRORS).find(([, { texts }]) => texts.includes(wanted));
    return new ServiceError((known?.[0] ?? 'UNKNOWN') as ServiceErrorCode, text, context);
  }
}

interface ServiceErrorEntry {
  /** The store's wordings; the first is the one the emulator sends. */
  texts: string[];
  /** What the person who reads the error can do. `ACCESS` stands for the method and the key that a rule has to grant. */
  advice: string;
}

const CLOCKS = 'ensure that the client and broker system clocks are synchronized';
const SYNCHRONIZE = 'Synchronize the clocks of this computer and of the broker (NTP).';
const REPORT =
  'This is a bug of this package. Please report it at https://github.com/edgestate/node-red-statestore/issues with the version of the broker.';

const SERVICE_ERRORS: Record<Exclude<ServiceErrorCode, 'UNKNOWN'>, ServiceErrorEntry> = {
  TIMESTAMP_SKEW: {
    texts: [`the request timestamp is too far in the future; ${CLOCKS}`],
    advice: SYNCHRONIZE,
  },
  FENCING_TOKEN_REQUIRED: {
    texts: ['a fencing token is required for this request'],
    advice:
      'This key is protected by a lock, or changed by an update node. Send the fencing token of the lock, or change the key with an update node.',
  },
  FENCING_TOKEN_SKEW: {
    texts: [`the request fencing token timestamp is too far in the future; ${CLOCKS}`],
    advice: `${SYNCHRONIZE} Use a version that the store returned as the fencing token.`,
  },
  FENCING_TOKEN_LOWER_VERSION: {
    texts: ['than', 'that'].map(
      (than) =>
        `the request fencing token is a lower version ${than} the fencing token protecting the resource`,
    ),
    advice:
      'Another client acquired the lock or the role later, or the key is also changed under another lock or without a role. Acquire it again, and use the same lock or role for all changes of the key.',
  },
  QUOTA_EXCEEDED: {
    texts: ['the quota has been exceeded'],
    advice: 'Delete keys that are no longer needed, set them with an expiry, or ask for a larger quota.',
  },
  SYNTAX_ERROR: { texts: ['syntax error'], advice: REPORT },
  NOT_AUTHORIZED: {
    texts: ['not authorized'],
    advice: 'Ask the broker administrator for a BrokerAuthorization rule that grants ACCESS.',
  },
  UNKNOWN_COMMAND: { texts: ['unknown command'], advice: REPORT },
  WRONG_NUMBER_OF_ARGUMENTS: { texts: ['wrong number of arguments'], advice: REPORT },
  TIMESTAMP_MISSING: {
    texts: ['missing timestamp'],
    advice:
      'A bridge or a proxy on the way may remove the user properties of MQTT 5. Connect to the broker directly.',
  },
  TIMESTAMP_MALFORMED: {
    texts: ['malformed timestamp'],
    advice: 'Use a version that the store returned as the fencing token, unchanged.',
  },
  KEY_LENGTH_ZERO: { texts: ['the key length is zero'], advice: 'Use a key of at least one byte.' },
};

/** The wording that belongs to `code` on the wire, without the leading `-ERR `. */
export function serviceErrorText(code: Exclude<ServiceErrorCode, 'UNKNOWN'>): string {
  return SERVICE_ERRORS[code].texts[0] as string;
}

/** "ReadWrite to the key line1/setpoint": a rule needs the whole key. */
function accessOf(context: ErrorContext): string {
  const { operation, key, keyPrefix = '' } = context;
  const method = isRead(context) ? 'Read' : 'ReadWrite';
  if (key === undefined) return `${method} to this key`;
  return `${method} to the key${operation === 'keys' ? 's that match' : ''} ${keyPrefix}${key}`;
}

function describe(code: ServiceErrorCode, text: string, context: ErrorContext): Explanation {
  const advice =
    code === 'UNKNOWN'
      ? 'See the log of the broker for the reason.'
      : SERVICE_ERRORS[code].advice.replace('ACCESS', () => accessOf(context));
  return causeFirst(text || 'No reason given', `the state store refused to ${actionOf(context)}`, advice);
}
