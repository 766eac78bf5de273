import type { Agency, FormerName } from './store.ts';
import { readAgencyTable, type AgencyLine, type ColumnName, type TableFault } from './table.ts';

/** What a line of the table does to the directory. */
export interface LineEffect {
  line: number;
  code: string;
  name: string;
  effect: 'added' | 'renamed' | 'changed' | 'closed' | 'unchanged' | 'former-name';
  /** The name before, where it changes. */
  before: string | null;
}

export interface ImportReport {
  encoding: 'utf-8' | 'utf-16' | 'big5';
  ignored: string[];
  /** Any of them: nothing is imported. */
  faults: TableFault[];
  effects: LineEffect[];
  /** Agencies that are not in the table and are closed because it is said to be the whole directory. */
  closed: { code: string; name: string }[];
}

export interface ImportOptions {
  /** The table is the whole directory: what is not in it is closed. */
  whole: boolean;
  /** The day on which a new name without a date of its own begins (ISO date). */
  today: string;
}

const sameFormer = (a: FormerName, b: FormerName): boolean =>
  a.to === b.to && a.name['zh-TW'] === b.name['zh-TW'];

/**
 * What the directory becomes when this table is merged into it, and what each line does. Pure: nothing is stored.
 * A line without an end date is the agency's present name; one with an end date is a former name of the agency that the
 * same table or the directory has. A present name that differs from the directory's makes that one a former name.
 */
export function planImport(
  bytes: Uint8Array,
  known: ReadonlyMap<string, Agency>,
  { whole, today }: ImportOptions,
): { report: ImportReport; next: Map<string, Agency> } {
  const { encoding, ignored, lines, columns, faults } = readAgencyTable(bytes);
  const next = new Map(known);
  const report: ImportReport = { encoding, ignored, faults, effects: [], closed: [] };
  const fault = (code: TableFault['code'], { line }: AgencyLine, name: ColumnName, found: string): void => {
    const { column, heading } = columns.get(name) ?? { column: null, heading: null };
    faults.push({ line, column, heading, code, found });
  };

  // A new name without a date of its own begins where the table says that the last former one ends.
  const lastFormer = new Map<string, string>();
  for (const { code, to } of lines)
    if (to !== null && to > (lastFormer.get(code) ?? '')) lastFormer.set(code, to);

  const current = new Map<string, AgencyLine>();
  for (const line of lines.filter(({ to }) => to === null)) {
    if (current.has(line.code)) {
      fault('code-twice', line, 'code', line.code);
      continue;
    }
    current.set(line.code, line);
    const { agency, effect, before } = merged(known.get(line.code), line, lastFormer.get(line.code) ?? today);
    if (before !== null && agency.nameSince !== null) {
      const since = known.get(line.code)?.nameSince;
      if (since != null && since >= agency.nameSince) fault('names-overlap', line, 'from', agency.nameSince);
    }
    next.set(line.code, agency);
    report.effects.push({ line: line.line, code: line.code, name: line.name, effect, before });
  }
  for (const line of lines.filter(({ to }) => to !== null)) {
    const agency = next.get(line.code);
    if (!agency) {
      fault('current-missing', line, 'code', line.code);
      continue;
    }
    const former: FormerName = {
      name: { 'zh-TW': line.name, ...(line.nameEn ? { en: line.nameEn } : {}) },
      from: line.from,
      to: line.to ?? '',
    };
    const there = agency.formerNames.some((one) => sameFormer(one, former));
    if (!there) {
      const formerNames = [...agency.formerNames, former].toSorted((a, b) => (a.to < b.to ? -1 : 1));
      const overlaps = formerNames.some((one, at) => {
        const earlier = formerNames[at - 1];
        return (
          earlier !== undefined && (one.to <= earlier.to || (one.from !== null && one.from < earlier.to))
        );
      });
      if (overlaps || (agency.nameSince !== null && former.to > agency.nameSince))
        fault('names-overlap', line, 'to', former.to);
      next.set(line.code, { ...agency, formerNames });
    }
    const effect = there ? 'unchanged' : 'former-name';
    report.effects.push({ line: line.line, code: line.code, name: line.name, effect, before: null });
  }
  if (whole)
    for (const agency of known.values())
      if (agency.active && !current.has(agency.code)) {
        next.set(agency.code, { ...agency, active: false });
        report.closed.push({ code: agency.code, name: agency.name['zh-TW'] });
      }
  for (const line of current.values()) {
    const parent = next.get(line.code)?.parentCode ?? null;
    if (parent === null) continue;
    if (!next.has(parent)) fault('parent-unknown', line, 'parent', parent);
    else if (circular(next, line.code)) fault('parent-circle', line, 'parent', parent);
  }
  faults.sort((a, b) => a.line - b.line);
  report.effects.sort((a, b) => a.line - b.line);
  return { report, next };
}

function merged(
  known: Agency | undefined,
  line: AgencyLine,
  begins: string,
): { agency: Agency; effect: LineEffect['effect']; before: string | null } {
  const name = { 'zh-TW': line.name, ...(line.nameEn ? { en: line.nameEn } : {}) };
  if (!known)
    return {
      agency: {
        code: line.code,
        name,
        parentCode: line.parentCode ?? null,
        active: line.active ?? true,
        nameSince: line.from,
        formerNames: [],
      },
      effect: 'added',
      before: null,
    };
  const renamed = known.name['zh-TW'] !== line.name;
  const since = renamed ? (line.from ?? begins) : (line.from ?? known.nameSince);
  const agency: Agency = {
    code: line.code,
    // A table without English names does not take them away.
    name: renamed || line.nameEn ? name : known.name,
    parentCode: line.parentCode === undefined ? known.parentCode : line.parentCode,
    active: line.active ?? known.active,
    nameSince: since,
    formerNames: renamed
      ? [...known.formerNames, { name: known.name, from: known.nameSince, to: since ?? begins }]
      : known.formerNames,
  };
  const closed = known.active && !agency.active;
  const changed = JSON.stringify(agency) !== JSON.stringify(known);
  const effect = renamed ? 'renamed' : closed ? 'closed' : changed ? 'changed' : 'unchanged';
  return { agency, effect, before: renamed ? known.name['zh-TW'] : null };
}

function circular(agencies: ReadonlyMap<string, Agency>, code: string): boolean {
  const seen = new Set<string>();
  for (let at: string | null = code; at !== null; at = agencies.get(at)?.parentCode ?? null) {
    if (seen.has(at)) return true;
    seen.add(at);
  }
  return false;
}
