import { csvCell } from '../../base/csv.ts';
import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { planImport, type ImportReport } from './import.ts';
import type { Agency, AgencyStore } from './store.ts';

export interface FoundAgency {
  agency: Agency;
  /** The former name that was found, where it was not the present one. */
  formerName: string | null;
}

export interface Agencies {
  byCode(code: string): Promise<Agency | null>;
  /**
   * For a picker: codes and names that begin with the text first, then names that hold it, then former names. Without
   * regard to case and width; active agencies only unless told.
   */
  search(text: string, options?: { limit?: number; withInactive?: boolean }): Promise<FoundAgency[]>;
  /** Codes of the agency and of all above it, for the policy (`Resource.agencies`); an unknown agency is its own line. */
  lineOf(code: string | null): Promise<string[]>;
  /** Codes of these agencies and of all below them, closed ones too: people and records still name those. */
  treeOf(codes: readonly string[]): Promise<string[]>;
  /** Outermost first, the agency itself last; empty when it is unknown. */
  pathOf(code: string): Promise<Agency[]>;
  /** The name that the agency bore on that day (ISO date). */
  nameOn(code: string, day: string): Promise<Agency['name'] | null>;
  count(): Promise<{ all: number; active: number }>;
  /** What an import would do. Changes nothing. */
  check(table: Uint8Array, options: { whole: boolean }): Promise<ImportReport & { revision: number }>;
  /**
   * Imports the table whole or, with any fault, not at all.
   * @param expected the revision that was checked; DomainError `conflict` when another import came between
   */
  import(table: Uint8Array, options: { whole: boolean; expected?: number }): Promise<ImportReport>;
  /** The directory as the table that `import` reads: present names and former ones. */
  export(): Promise<string>;
}

const fold = (text: string): string => text.normalize('NFKC').trim().toLowerCase().replaceAll('台', '臺');
const taipeiDay = new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Taipei' });

/** One agency in the form in which it is searched. */
interface Indexed {
  agency: Agency;
  code: string;
  names: string[];
  former: { text: string; shown: string }[];
}

export function createAgencies({ store, clock }: { store: AgencyStore; clock: Clock }): Agencies {
  // The directory is small (some 10,000 agencies at most) and seldom changes: held whole, by revision.
  let held: { revision: number; byCode: Map<string, Agency>; index: Indexed[] } = {
    revision: 0,
    byCode: new Map(),
    index: [],
  };
  const directory = async () => {
    if ((await store.revision()) === held.revision) return held;
    const { revision, agencies } = await store.read();
    held = {
      revision,
      byCode: new Map(agencies.map((agency) => [agency.code, agency])),
      index: agencies.map((agency) => ({
        agency,
        code: fold(agency.code),
        names: [agency.name['zh-TW'], agency.name.en ?? ''].filter(Boolean).map(fold),
        former: agency.formerNames.map(({ name }) => ({ text: fold(name['zh-TW']), shown: name['zh-TW'] })),
      })),
    };
    return held;
  };
  const plan = async (table: Uint8Array, whole: boolean) => {
    const { byCode, revision } = await directory();
    return { ...planImport(table, byCode, { whole, today: taipeiDay.format(clock.now()) }), revision };
  };
  const pathOf = async (code: string): Promise<Agency[]> => {
    const { byCode } = await directory();
    const path: Agency[] = [];
    for (let at = byCode.get(code); at && !path.includes(at); at = byCode.get(at.parentCode ?? ''))
      path.push(at);
    return path.reverse();
  };

  return {
    async byCode(code) {
      return (await directory()).byCode.get(code.normalize('NFKC').trim().toUpperCase()) ?? null;
    },
    async search(text, { limit = 20, withInactive = false } = {}) {
      const { index } = await directory();
      const wanted = fold(text);
      const ranked = index.flatMap(
        ({ agency, code, names, former }): { rank: number; found: FoundAgency }[] => {
          if (!agency.active && !withInactive) return [];
          const begins = code.startsWith(wanted) || names.some((name) => name.startsWith(wanted));
          if (begins) return [{ rank: 0, found: { agency, formerName: null } }];
          if (names.some((name) => name.includes(wanted)))
            return [{ rank: 1, found: { agency, formerName: null } }];
          const old = former.find((name) => name.text.includes(wanted));
          return old ? [{ rank: 2, found: { agency, formerName: old.shown } }] : [];
        },
      );
      return ranked
        .toSorted((a, b) => a.rank - b.rank)
        .slice(0, limit)
        .map(({ found }) => found);
    },
    async lineOf(code) {
      if (code === null) return [];
      const line = (await pathOf(code)).map((agency) => agency.code);
      return line.length > 0 ? line : [code];
    },
    async treeOf(codes) {
      const { byCode } = await directory();
      const below = new Map<string, string[]>();
      for (const { code, parentCode } of byCode.values())
        if (parentCode !== null) below.set(parentCode, [...(below.get(parentCode) ?? []), code]);
      const tree = new Set(codes);
      // A set takes in what is added while it is walked, and takes each code once: a circle ends.
      for (const code of tree) for (const child of below.get(code) ?? []) tree.add(child);
      return [...tree];
    },
    pathOf,
    async nameOn(code, day) {
      const agency = (await directory()).byCode.get(code);
      if (!agency) return null;
      const former = agency.formerNames.find(({ from, to }) => day < to && (from === null || from <= day));
      return former?.name ?? agency.name;
    },
    async count() {
      const { byCode } = await directory();
      const active = [...byCode.values()].filter((agency) => agency.active).length;
      return { all: byCode.size, active };
    },
    async check(table, { whole }) {
      const { report, revision } = await plan(table, whole);
      return { ...report, revision };
    },
    async import(table, { whole, expected }) {
      const { report, next, revision } = await plan(table, whole);
      if (report.faults.length > 0) return report;
      const stale = expected !== undefined && expected !== revision;
      if (stale || !(await store.replace([...next.values()], revision)))
        throw new DomainError(
          'conflict',
          'The directory has changed since the table was checked. Check it again, then import.',
          { code: 'agencies-changed' },
        );
      return report;
    },
    async export() {
      const { byCode } = await directory();
      const lines = [['code', 'name', 'name_en', 'parent', 'active', 'from', 'to']];
      for (const { code, name, parentCode, active, nameSince, formerNames } of byCode.values()) {
        lines.push([
          code,
          name['zh-TW'],
          name.en ?? '',
          parentCode ?? '',
          active ? '1' : '0',
          nameSince ?? '',
          '',
        ]);
        for (const former of formerNames)
          lines.push([
            code,
            former.name['zh-TW'],
            former.name.en ?? '',
            '',
            '',
            former.from ?? '',
            former.to,
          ]);
      }
      return `\ufeff${lines.map((fields) => `${fields.map(csvCell).join(',')}\r\n`).join('')}`;
    },
  };
}
