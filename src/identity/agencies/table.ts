import { type CsvRow, CsvSyntaxError, decodeTable, readCsv } from '../../base/csv.ts';

/** One agency, or one of its former names, as a line of the table says it. */
export interface AgencyLine {
  line: number;
  code: string;
  name: string;
  nameEn: string | null;
  /** Undefined: the table does not say, what is known stays. Null: none. */
  parentCode: string | null | undefined;
  active: boolean | undefined;
  from: string | null;
  /** Set: a former name, up to the day before. */
  to: string | null;
}

export type ColumnName = 'code' | 'name' | 'nameEn' | 'parent' | 'active' | 'from' | 'to';

/** What is wrong with the table, where, and a code for its message (`agencies.fault.<code>`). */
export interface TableFault {
  line: number;
  /** The column's number from 1, and its heading; null: the whole line. */
  column: number | null;
  heading: string | null;
  code:
    | 'encoding'
    | 'empty'
    | 'stray-quote'
    | 'unclosed-quote'
    | 'after-quote'
    | 'column-missing'
    | 'column-twice'
    | 'too-few'
    | 'too-many'
    | 'code-missing'
    | 'code-form'
    | 'name-missing'
    | 'name-long'
    | 'active-form'
    | 'date-form'
    | 'date-order'
    | 'code-twice'
    | 'parent-unknown'
    | 'parent-circle'
    | 'current-missing'
    | 'names-overlap';
  /** What was found, shortened. */
  found: string;
}

export interface AgencyTable {
  encoding: 'utf-8' | 'utf-16' | 'big5';
  lines: AgencyLine[];
  /** Headings that mean nothing here and were left out. */
  ignored: string[];
  /** Where each column stands (from 1), under which heading. */
  columns: Map<ColumnName, { column: number; heading: string }>;
  faults: TableFault[];
}

const headings: Record<ColumnName, string[]> = {
  code: ['code', '機關代碼', '代碼'],
  name: ['name', '機關名稱', '名稱'],
  nameEn: ['nameen', '機關英文名稱', '英文名稱'],
  parent: ['parent', 'parentcode', '上級機關代碼', '主管機關代碼'],
  active: ['active', '啟用', '狀態'],
  from: ['from', '名稱起日', '起日', '生效日期'],
  to: ['to', '名稱迄日', '迄日'],
};
const yes = new Set(['1', 'y', 'yes', 'true', 'active', '是', '啟用', '現行', '使用中']);
const no = new Set(['0', 'n', 'no', 'false', 'inactive', '否', '停用', '裁撤', '已裁撤']);
const folded = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_*（）()-]/g, '');
const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text);

/** 2026-11-23, 2026/11/23, 20261123, 115.11.23 or 1151123 as an ISO date; null when it is none. */
export function dayOf(text: string): string | null {
  const match =
    /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(text) ??
    /^(\d{4})(\d{2})(\d{2})$/.exec(text) ??
    /^(\d{2,3})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(text) ??
    /^(\d{3})(\d{2})(\d{2})$/.exec(text);
  if (!match) return null;
  const [, y = '', m = '', d = ''] = match;
  const year = y.length === 4 ? Number(y) : Number(y) + 1911;
  const date = new Date(Date.UTC(year, Number(m) - 1, Number(d)));
  return date.getUTCMonth() === Number(m) - 1 && date.getUTCDate() === Number(d)
    ? date.toISOString().slice(0, 10)
    : null;
}

/** Reads a directory table; every fault is found, with its line and column. */
export function readAgencyTable(bytes: Uint8Array): AgencyTable {
  const decoded = decodeTable(bytes);
  const table: AgencyTable = {
    encoding: decoded?.encoding ?? 'utf-8',
    lines: [],
    ignored: [],
    columns: new Map(),
    faults: [],
  };
  const { columns } = table;
  const head: string[] = [];
  const fault = (code: TableFault['code'], line: number, column: number | null, found = ''): void => {
    const heading = column === null ? null : (head[column - 1] ?? null);
    table.faults.push({ line, column, heading, code, found: shortened(found) });
  };
  if (!decoded || decoded.text.includes('\0')) {
    fault('encoding', 1, null);
    return table;
  }
  const rows = readCsv(decoded.text);
  const next = (): CsvRow | null => {
    try {
      const { value, done } = rows.next();
      return done ? null : value;
    } catch (error) {
      if (!(error instanceof CsvSyntaxError)) throw error;
      fault(error.reason, error.line, error.column);
      return null;
    }
  };
  const first = next();
  if (!first) {
    if (table.faults.length === 0) fault('empty', 1, null);
    return table;
  }
  head.push(...first.fields);
  first.fields.forEach((heading, at) => {
    const name = (Object.keys(headings) as ColumnName[]).find((one) =>
      headings[one].includes(folded(heading)),
    );
    if (!name) {
      if (heading.trim() !== '') table.ignored.push(shortened(heading.trim()));
    } else if (columns.has(name)) fault('column-twice', first.line, at + 1, heading);
    else columns.set(name, { column: at + 1, heading });
  });
  for (const name of ['code', 'name'] as const)
    if (!columns.has(name)) fault('column-missing', first.line, null, headings[name][1]);
  if (table.faults.length > 0) return table;

  for (let row = next(); row; row = next()) {
    const { line, fields } = row;
    if (fields.length !== first.fields.length) {
      fault(fields.length < first.fields.length ? 'too-few' : 'too-many', line, null, String(fields.length));
      continue;
    }
    const before = table.faults.length;
    const place = (name: ColumnName): number | null => columns.get(name)?.column ?? null;
    const value = (name: ColumnName): string => fields[(place(name) ?? 0) - 1]?.normalize('NFC').trim() ?? '';
    const codeIn = (name: 'code' | 'parent'): string | null => {
      const code = value(name).normalize('NFKC').toUpperCase();
      if (code === '') return null;
      if (!/^[0-9A-Z]{2,20}$/.test(code)) fault('code-form', line, place(name), value(name));
      return code;
    };
    const dayIn = (name: 'from' | 'to'): string | null => {
      const text = value(name);
      const day = text === '' ? null : dayOf(text);
      if (text !== '' && day === null) fault('date-form', line, place(name), text);
      return day;
    };
    const code = codeIn('code');
    if (code === null) fault('code-missing', line, place('code'));
    if (value('name') === '') fault('name-missing', line, place('name'));
    for (const name of ['name', 'nameEn'] as const)
      if (value(name).length > 200) fault('name-long', line, place(name), value(name));
    const state = folded(value('active'));
    if (state !== '' && !yes.has(state) && !no.has(state))
      fault('active-form', line, place('active'), value('active'));
    const parentCode = columns.has('parent') ? codeIn('parent') : undefined;
    const from = dayIn('from');
    const to = dayIn('to');
    if (from !== null && to !== null && from >= to) fault('date-order', line, place('to'), `${from} ~ ${to}`);
    if (table.faults.length > before) continue;
    table.lines.push({
      line,
      code: code ?? '',
      name: value('name'),
      nameEn: value('nameEn') || null,
      parentCode,
      active: state === '' ? undefined : yes.has(state),
      from,
      to,
    });
  }
  if (table.lines.length === 0 && table.faults.length === 0) fault('empty', first.line, null);
  return table;
}
