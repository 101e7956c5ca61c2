import assert from 'node:assert/strict';
import fc from 'fast-check';
import { putRecord, removeRecord } from '../../../src/reference-data/edit';
import { formatRecords, parseRecords } from '../../../src/reference-data/records';

const text = (ndjson: Buffer) => ndjson.toString('utf8');
const bytes = (ndjson: string) => Buffer.from(ndjson);
const refused = { code: 'BAD_ARGUMENT' };

describe('Reference data', () => {
  it('has one line per record, and no line end behind the last', () => {
    const ndjson = formatRecords([{ deviceId: 'a' }, { deviceId: 'b', limits: [1, 2] }]);
    assert.equal(text(ndjson), '{"deviceId":"a"}\n{"deviceId":"b","limits":[1,2]}');
    assert.deepEqual(parseRecords(ndjson), [{ deviceId: 'a' }, { deviceId: 'b', limits: [1, 2] }]);
  });

  it('is read with any line ends and with blank lines', () => {
    assert.deepEqual(parseRecords(bytes('{"a":1}\r\n\n  \n{"a":2}\n')), [{ a: 1 }, { a: 2 }]);
    assert.deepEqual(parseRecords(bytes('')), []);
  });

  it('names the faulty line, or the element that is not an object', () => {
    assert.throws(() => parseRecords(bytes('{"a":1}\n\n{"a":')), {
      ...refused,
      message: /^Line 3 of the reference data is not valid JSON: /,
    });
    assert.throws(() => parseRecords(bytes('[1]')), {
      ...refused,
      message: /^Line 1 .* is not a JSON object\./,
    });
    assert.throws(() => formatRecords([{ a: 1 }, 7]), { ...refused, message: /^Element 2 of the list/ });
    assert.throws(() => formatRecords([new Date()]), { ...refused, message: /^Element 1 of the list/ });
    assert.throws(() => formatRecords({ a: 1 }), { ...refused, message: /needs a list of objects/ });
  });

  it('has a record put in the place of the first one with the same value', () => {
    const ndjson = bytes('{ "id": "a" }\r\n{"id":"b","n":12345678901234567890}\n{"id":"a"}\n');
    assert.equal(
      text(putRecord(ndjson, 'id', { id: 'a', n: 1 })),
      '{"id":"a","n":1}\r\n{"id":"b","n":12345678901234567890}\n{"id":"a"}\n',
    );
  });

  it('has a new record put behind the last one, with the line ends of the text', () => {
    assert.equal(text(putRecord(bytes(''), 'id', { id: 1 })), '{"id":1}');
    assert.equal(text(putRecord(bytes('{"id":1}'), 'id', { id: 2 })), '{"id":1}\n{"id":2}');
    assert.equal(text(putRecord(bytes('{"id":1}\n'), 'id', { id: 2 })), '{"id":1}\n{"id":2}\n');
  });

  it('distinguishes the text 1 from the number 1', () => {
    assert.equal(text(putRecord(bytes('{"id":"1"}'), 'id', { id: 1 })), '{"id":"1"}\n{"id":1}');
  });

  it('has all records with the value removed', () => {
    const ndjson = bytes('{"id":"a"}\n{"id":"b"}\n{"id":"a"}');
    assert.equal(text(removeRecord(ndjson, 'id', 'a')), '{"id":"b"}');
    assert.equal(text(removeRecord(ndjson, 'id', 'b')), '{"id":"a"}\n{"id":"a"}');
    assert.equal(removeRecord(ndjson, 'id', 'c'), ndjson);
  });

  it('refuses a record without the property that identifies it, and a text with a faulty line', () => {
    assert.throws(() => putRecord(bytes(''), 'id', { name: 'a' }), {
      ...refused,
      message: /^The property id of the record is undefined\./,
    });
    assert.throws(() => putRecord(bytes('{"id":1}\nnothing'), 'id', { id: 2 }), {
      ...refused,
      message: /^Line 2 /,
    });
  });

  it('keeps all other lines to the byte, for any records that are put and removed', () => {
    const value = fc.oneof(fc.constantFrom('a', 'b', 'ä', '1'), fc.constantFrom(1, 2, true));
    const record = fc.record({ id: value, more: fc.jsonValue() });
    const lines = fc.array(
      fc.tuple(record, fc.constantFrom('\n', '\r\n')).map(([one, end]) => `${JSON.stringify(one)} ${end}`),
    );
    fc.assert(
      fc.property(lines, record, (all, changed) => {
        const id = JSON.stringify(changed.id);
        const isOther = (line: string) => JSON.stringify(JSON.parse(line).id) !== id;
        const before = bytes(all.join(''));
        const put = text(putRecord(before, 'id', changed));
        assert.deepEqual((put.match(/[^\n]*\n/g) ?? []).filter(isOther), all.filter(isOther));
        assert.ok(parseRecords(bytes(put)).some((one) => JSON.stringify(one) === JSON.stringify(changed)));
        assert.equal(
          text(removeRecord(bytes(put), 'id', changed.id)).trimEnd(),
          all.filter(isOther).join('').trimEnd(),
        );
      }),
    );
  });
});
