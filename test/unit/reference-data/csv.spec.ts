import assert from 'node:assert/strict';
import { recordsFromCsv } from '../../../src/reference-data/csv';

const read = (csv: string) => recordsFromCsv(Buffer.from(csv));

describe('A CSV table', () => {
  it('becomes one record per row, with numbers and truth values', () => {
    assert.deepEqual(
      read('deviceId,limit,active,name\r\nd1,7.5,true,"Press, left"\r\nd2,-2e3,false,Oven\r\n'),
      [
        { deviceId: 'd1', limit: 7.5, active: true, name: 'Press, left' },
        { deviceId: 'd2', limit: -2000, active: false, name: 'Oven' },
      ],
    );
  });

  it('keeps identifiers as text: zeros in front, and more digits than a number has', () => {
    assert.deepEqual(read('serial,id\n007,12345678901234567890\n'), [
      { serial: '007', id: '12345678901234567890' },
    ]);
  });

  it('keeps a number as text that would be another one: too large, too small, or with digits that are lost there', () => {
    const [record] = read('large,small,negative,rounded\n1e400,1e-400,-2.5e-400,1.23456789e-320\n');
    assert.deepEqual(record, {
      large: '1e400',
      small: '1e-400',
      negative: '-2.5e-400',
      rounded: '1.23456789e-320',
    });
    const [kept] = read('zero,zeros,smallest,largest,tiny\n0e-400,0.00,5e-324,1.7e308,0.000000001\n');
    assert.deepEqual(kept, { zero: 0, zeros: 0, smallest: 5e-324, largest: 1.7e308, tiny: 1e-9 });
  });

  it('leaves a property out where the cell is blank, and skips rows without any cell', () => {
    assert.deepEqual(read('a,b\n1,2\n,\n , ""\n3,4\n,\n'), [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
    assert.deepEqual(read('a,b\n1,\n\n,2\n'), [{ a: 1 }, { b: 2 }]);
  });

  it('may have a byte order mark, and semicolons or tabs as spreadsheets write them', () => {
    assert.deepEqual(read('\ufeffa;b\n1;x,y\n'), [{ a: 1, b: 'x,y' }]);
    assert.deepEqual(read('a\tb\n1\t2\n'), [{ a: 1, b: 2 }]);
    assert.deepEqual(read('"limit, upper";b\n1;2\n'), [{ 'limit, upper': 1, b: 2 }]);
  });

  it('is refused with the place of the fault', () => {
    const refused = (csv: string, message: RegExp) =>
      assert.throws(() => read(csv), { code: 'BAD_ARGUMENT', message });
    refused('', /^The CSV text is empty\./);
    refused('a,\n1,2\n', /^Column 2 of the CSV text has no name\./);
    refused('a,a\n1,2\n', /^Two columns of the CSV text are called a\./);
    refused('a,b\n1,2\n1,2,3\n', /^The CSV text is not valid near line 3: /);
    refused('a,b\n"1,2\n', /^The CSV text is not valid/);
  });
});
