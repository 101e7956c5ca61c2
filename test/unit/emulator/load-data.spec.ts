import assert from 'node:assert/strict';
import { LoadError, readLoadedKeys } from '../../../src/emulator/store/load-data';

describe('A file of keys to load', () => {
  const read = (text: string) =>
    readLoadedKeys(text).map(({ key, value }) => [key.toString(), value.toString('latin1')]);

  it('is a list of objects with one key each, as in the WASM test environment of Microsoft', () => {
    assert.deepEqual(read('[{"factoryId":"factoryA"},\n {"limits":{"high":3}}]'), [
      ['factoryId', 'factoryA'],
      ['limits', '{"high":3}'],
    ]);
  });

  it('or has one object a line, with text, JSON or bytes', () => {
    const text =
      '{"key":"a","value":"text"}\r\n\n{"key":"b","value":[1]}\n{"key":"c","valueBase64":"AP8="}\n';
    assert.deepEqual(read(text), [
      ['a', 'text'],
      ['b', '[1]'],
      ['c', '\0\xff'],
    ]);
  });

  for (const [text, message] of [
    ['[{"a":1}, {"b":1,"c":2}]', /^item 2 must be an object with one key$/],
    ['[1]', /^item 1 must be an object$/],
    ['[{"a":1},', /^the file is not valid JSON: /],
    ['{"key":"a","value":1}\n{"key":"b"}', /^line 2 must have either "value" or "valueBase64"$/],
    ['\n{"key":"","value":1}', /^line 2: the key must be a text, not empty$/],
    ['{"key":"a","value":1,"ttl":2}', /^line 1: "ttl" is not known/],
    ['{"key":"a","valueBase64":"A"}', /^line 1: "valueBase64" is not valid Base64$/],
    ['key,value', /^line 1 is not valid JSON: /],
  ] as const)
    it(`is refused with the place of the fault: ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => readLoadedKeys(text),
        (error: Error) => error instanceof LoadError && message.test(error.message),
      );
    });
});
