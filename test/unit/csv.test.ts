import { expect } from 'chai';
import fc from 'fast-check';
import { csvCell, CsvSyntaxError, decodeTable, readCsv } from '../../src/base/csv.ts';

const fieldsOf = (text: string): string[][] => [...readCsv(text)].map(({ fields }) => fields);
const faultOf = (text: string): unknown => {
  try {
    fieldsOf(text);
    return null;
  } catch (error) {
    return error instanceof CsvSyntaxError ? [error.reason, error.line, error.column] : error;
  }
};

describe('comma-separated values (RFC 4180)', () => {
  it('are read with quotes, commas and line breaks inside, and with any line end', () => {
    expect(fieldsOf('a,b\r\n"c,""d""","e\r\nf"\r\n')).to.deep.equal([
      ['a', 'b'],
      ['c,"d"', 'e\r\nf'],
    ]);
    for (const end of ['\n', '\r', '\r\n'])
      expect(fieldsOf(`a,b${end}c,d`)).to.deep.equal([
        ['a', 'b'],
        ['c', 'd'],
      ]);
    expect(fieldsOf(',\n""')).to.deep.equal([['', '']]);
    expect(fieldsOf('a,')).to.deep.equal([['a', '']]);
  });

  it('know the line on which a record begins, whatever its fields hold', () => {
    expect([...readCsv('a\n"b\nb"\n\nc')].map(({ line }) => line)).to.deep.equal([1, 2, 5]);
  });

  it('say where they are broken', () => {
    expect(faultOf('a,b\nc,d"e')).to.deep.equal(['stray-quote', 2, 2]);
    expect(faultOf('a,"b\nc')).to.deep.equal(['unclosed-quote', 1, 2]);
    expect(faultOf('"a"b,c')).to.deep.equal(['after-quote', 1, 1]);
  });

  it('give back whatever was written', () => {
    const value = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', '機', ' ', '1') });
    fc.assert(
      fc.property(fc.array(fc.array(value, { minLength: 2, maxLength: 4 }), { maxLength: 5 }), (rows) => {
        const plain = rows.map((row) => row.map((one) => (/^[\r]/.test(one) ? `x${one}` : one)));
        const text = plain.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
        expect(fieldsOf(text)).to.deep.equal(plain);
      }),
    );
  });

  it('are decoded as UTF-8 with or without a mark, as UTF-16 with one, else as Big5', () => {
    expect(decodeTable(Buffer.from('機關'))).to.deep.equal({ text: '機關', encoding: 'utf-8' });
    expect(decodeTable(Buffer.from('\ufeff機關'))).to.deep.equal({ text: '機關', encoding: 'utf-8' });
    expect(decodeTable(Buffer.from('\ufeff機關', 'utf16le'))).to.deep.equal({
      text: '機關',
      encoding: 'utf-16',
    });
    expect(decodeTable(Buffer.from([0xbe, 0xf7, 0xc3, 0xf6]))).to.deep.equal({
      text: '機關',
      encoding: 'big5',
    });
    expect(decodeTable(Buffer.from([0xff, 0xff, 0x80]))).to.equal(null);
  });
});
