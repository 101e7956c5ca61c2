/** The table in docs/dev/architecture.md, "Observed keys". */
import assert from 'node:assert/strict';
import { type Change, ObservedKey } from '../../../src/client/observed-key';

const v = (step: number) => `${String(1_700_000_000_000 + step).padStart(15, '0')}:00000:store`;

/** `notify 5`: KEYNOTIFY is sent, and accepted with this version. `get a 5`: a reading. `set a 5`, `delete 5`: notifications. */
type Event = string;

/** Plays events, and returns the changes that are reported after each. */
function play(events: readonly Event[]): string[] {
  const key = new ObservedKey();
  const show = (change: Change | undefined) => {
    if (!change) return 'nothing';
    return change.operation === 'set' ? `set ${Buffer.from(change.value)}` : 'delete';
  };
  return events.map((event) => {
    const [kind, ...words] = event.split(' ');
    const number = words.at(-1);
    const version = number !== undefined && /^\d+$/.test(number) ? { version: v(Number(number)) } : {};
    const value = Buffer.from(words[0] ?? '');
    const reading =
      words.length > 0 ? ({ found: true, value, ...version } as const) : ({ found: false } as const);
    switch (kind) {
      case 'notify':
        key.notifySent();
        key.notifyAccepted(version.version);
        return 'nothing';
      case 'sent':
        key.notifySent();
        return 'nothing';
      case 'accepted':
        key.notifyAccepted(version.version);
        return 'nothing';
      case 'get':
        return show(key.read(reading));
      case 'again':
        return `${show(key.readAgain(reading))}${key.isRereading ? ', read again' : ''}`;
      case 'failed':
        key.readAgainFailed();
        return 'nothing';
      case 'set':
      case 'delete': {
        const effect = key.notified(
          kind === 'set' ? { operation: 'set', value, ...version } : { operation: 'delete', ...version },
        );
        return effect === 'read again' ? 'read again' : show(effect);
      }
      default:
        return assert.fail(event);
    }
  });
}

const BEGIN = ['notify 10', 'get a 9'];
const MISSING = ['notify 10', 'get'];
const DOUBTFUL = ['notify', 'get'];

const TABLE: [title: string, before: Event[], events: [event: Event, reported: string][]][] = [
  ['the first reading is no change', ['notify 10'], [['get a 9', 'nothing']]],
  ['a newer notification is reported', BEGIN, [['set b 11', 'set b']]],
  [
    'a notification that came twice is not reported again',
    BEGIN,
    [
      ['set b 11', 'set b'],
      ['set b 11', 'nothing'],
    ],
  ],
  [
    'a notification older than the last change is not reported',
    BEGIN,
    [
      ['set b 12', 'set b'],
      ['set c 11', 'nothing'],
    ],
  ],
  [
    'a notification that the reading covers is not reported',
    BEGIN,
    [
      ['set b 10', 'nothing'],
      ['delete 8', 'nothing'],
    ],
  ],
  ['a notification without a version is reported', BEGIN, [['set b', 'set b']]],
  [
    'a reading with the known version is no change',
    BEGIN,
    [
      ['notify 20', 'nothing'],
      ['get a 9', 'nothing'],
    ],
  ],
  [
    'a reading with a newer version is reported',
    BEGIN,
    [
      ['notify 20', 'nothing'],
      ['get b 15', 'set b'],
    ],
  ],
  [
    'a reading with an older version is reported: another store',
    BEGIN,
    [
      ['notify 5', 'nothing'],
      ['get b 4', 'set b'],
    ],
  ],
  [
    'a reading with an older version is not reported after a notification since KEYNOTIFY',
    BEGIN,
    [
      ['notify 20', 'nothing'],
      ['set c 21', 'set c'],
      ['get b 15', 'nothing'],
    ],
  ],
  [
    'a reading that finds nothing is a delete',
    BEGIN,
    [
      ['notify 20', 'nothing'],
      ['get', 'delete'],
    ],
  ],
  [
    'a reading that finds nothing after a change newer than KEYNOTIFY is no change',
    BEGIN,
    [
      ['notify 20', 'nothing'],
      ['set b 21', 'set b'],
      ['get', 'nothing'],
      ['delete 22', 'delete'],
    ],
  ],
  [
    'a reading that finds nothing after a change older than KEYNOTIFY is a delete',
    BEGIN,
    [
      ['sent', 'nothing'],
      ['set b 15', 'set b'],
      ['accepted 20', 'nothing'],
      ['get', 'delete'],
    ],
  ],
  [
    'a delete of a missing key is no change',
    MISSING,
    [
      ['delete 11', 'nothing'],
      ['set a 12', 'set a'],
    ],
  ],
  [
    'a key that is deleted and set is reported both times',
    BEGIN,
    [
      ['delete 11', 'delete'],
      ['set b 12', 'set b'],
    ],
  ],
  ['a notification before the first KEYNOTIFY is accepted is not reported', [], [['set a 1', 'nothing']]],
  [
    'a notification between the first KEYNOTIFY and the first reading is reported, and the reading compared with it',
    ['notify 10'],
    [
      ['set a 5', 'nothing'],
      ['set b 11', 'set b'],
      ['get b 11', 'nothing'],
    ],
  ],
  [
    'a missing key without any version is read again after a notification',
    DOUBTFUL,
    [
      ['set old 5', 'read again'],
      ['again', 'nothing'],
      ['set new 6', 'read again'],
      ['again new 6', 'set new'],
      ['set c 7', 'set c'],
    ],
  ],
  [
    'notifications during that reading are taken together',
    DOUBTFUL,
    [
      ['set a 5', 'read again'],
      ['set b 6', 'nothing'],
      ['set c 7', 'nothing'],
      ['again', 'nothing, read again'],
      ['again c 7', 'set c'],
    ],
  ],
  [
    'a reading that failed is made up for by the next notification',
    DOUBTFUL,
    [
      ['set a 5', 'read again'],
      ['failed', 'nothing'],
      ['set b 6', 'read again'],
      ['again b 6', 'set b'],
    ],
  ],
  [
    'a reading that was asked for in doubt does not count when a new connection removed the doubt',
    DOUBTFUL,
    [
      ['set a 5', 'read again'],
      ['notify 20', 'nothing'],
      ['get b 19', 'set b'],
      ['again a 5', 'nothing'],
      ['set c 21', 'set c'],
    ],
  ],
  [
    'a missing key is known when a later KEYNOTIFY has a version',
    DOUBTFUL,
    [
      ['notify 20', 'nothing'],
      ['get', 'nothing'],
      ['set a 21', 'set a'],
    ],
  ],
];

describe('What is known of an observed key', () => {
  for (const [title, before, events] of TABLE) {
    it(title, () => {
      const played = play([...before, ...events.map(([event]) => event)]);
      assert.deepEqual(
        events.map(([event], at) => [event, played[before.length + at]]),
        events,
      );
    });
  }
});
