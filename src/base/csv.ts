/** A field with its place: where a spreadsheet or an editor shows it. Lines and columns count from 1. */
export interface CsvRow {
  /** The line on which the record begins; a quoted field may span several. */
  line: number;
  fields: string[];
}

/** Why a text is no CSV, and where. */
export class CsvSyntaxError extends Error {
  readonly line: number;
  /** The field's number within its record, from 1. */
  readonly column: number;
  readonly reason: 'stray-quote' | 'unclosed-quote' | 'after-quote';
  constructor(reason: 'stray-quote' | 'unclosed-quote' | 'after-quote', line: number, column: number) {
    super(`Line ${line}, column ${column}: ${reason}.`);
    this.name = 'CsvSyntaxError';
    this.reason = reason;
    this.line = line;
    this.column = column;
  }
}

/**
 * Reads comma-separated values by RFC 4180: quoted fields with commas, line breaks and doubled quotes in them; CRLF, LF or CR
 * ends a record, the last end may be missing. Empty lines are left out.
 * @throws CsvSyntaxError for a quote inside an unquoted field (rule 5), text after a closing quote, a quote never closed
 */
export function* readCsv(text: string): Generator<CsvRow> {
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const row: CsvRow = { line, fields: [] };
    for (;;) {
      if (text[at] === '"') {
        const opened = line;
        let value = '';
        at++;
        for (;;) {
          const close = text.indexOf('"', at);
          if (close < 0) throw new CsvSyntaxError('unclosed-quote', opened, row.fields.length + 1);
          const part = text.slice(at, close);
          line += part.match(/\r\n|\r|\n/g)?.length ?? 0;
          value += part;
          at = close + 1;
          if (text[at] !== '"') break;
          value += '"';
          at++;
        }
        row.fields.push(value);
        if (at < text.length && !/[,\r\n]/.test(text[at] ?? ''))
          throw new CsvSyntaxError('after-quote', line, row.fields.length);
      } else {
        const from = at;
        while (at < text.length && !/[,\r\n]/.test(text[at] ?? '')) {
          if (text[at] === '"') throw new CsvSyntaxError('stray-quote', line, row.fields.length + 1);
          at++;
        }
        row.fields.push(text.slice(from, at));
      }
      if (text[at] !== ',') break;
      at++;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    line++;
    if (row.fields.length > 1 || row.fields[0]?.trim() !== '') yield row;
  }
}

/**
 * The text of an uploaded table: UTF-8 with or without a byte order mark, UTF-16 with one (as spreadsheets save "Unicode
 * text"), else Big5 as older systems here write it. Null when it is none of them.
 */
export function decodeTable(
  bytes: Uint8Array,
): { text: string; encoding: 'utf-8' | 'utf-16' | 'big5' } | null {
  const decode = (encoding: string): string | null => {
    try {
      // The decoder takes the byte order mark away.
      return new TextDecoder(encoding, { fatal: true }).decode(bytes);
    } catch {
      return null;
    }
  };
  const [first, second] = bytes;
  const marked =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : null;
  if (marked) {
    const text = decode(marked);
    return text === null ? null : { text, encoding: 'utf-16' };
  }
  const utf8 = decode('utf-8');
  if (utf8 !== null) return { text: utf8, encoding: 'utf-8' };
  const big5 = decode('big5');
  // What is no character of Big5 comes out as a control code or a private one, not as an error.
  return big5 === null || /[\u0080-\u009f\ue000-\uf8ff\ufffd]/.test(big5)
    ? null
    : { text: big5, encoding: 'big5' };
}

/** A cell that no spreadsheet takes for a formula (OWASP: CSV injection), quoted by RFC 4180. */
export const csvCell = (value: string): string => {
  const safe = /^[=+\-@\t\r]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
