import assert from 'node:assert/strict';
import { printableBytes, printableJson, printableText } from '../../../src/cli/printable';

describe('What a terminal gets', () => {
  it('is text without control characters, but with line breaks and tabs', () => {
    assert.equal(printableText('21 °C\tok\nÄ 漢 🙂'), '21 °C\tok\nÄ 漢 🙂');
    assert.equal(printableText('\x1b[31mred\x07\r\x7f'), '\\x1b[31mred\\x07\\x0d\\x7f');
    assert.equal(printableText('a\u009b31mb\u202ec'), 'a\\x9b31mb\\u202ec');
  });

  it('is bytes that are not UTF-8 as printable ASCII and escapes', () => {
    assert.equal(printableBytes(Buffer.from('Wärme\x1b')), 'Wärme\\x1b');
    assert.equal(printableBytes(Buffer.from([0x61, 0xff, 0x0a, 0x1b, 0x9b, 0x7e])), 'a\\xff\n\\x1b\\x9b~');
  });

  it('is JSON that means the same', () => {
    const value = { a: 'x\u009b\u007f\u001b\u202e' };
    const json = printableJson(JSON.stringify(value));
    assert.equal(json, '{"a":"x\\u009b\\u007f\\u001b\\u202e"}');
    assert.deepEqual(JSON.parse(json), value);
  });
});
