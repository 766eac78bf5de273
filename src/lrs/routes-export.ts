import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Router } from 'express';
import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import type { Language } from '../base/languages.ts';
import { allRows, toCsv, toNdjson, withWord } from './admin/export.ts';
import { countAny, queriesOf } from './joined.ts';
import type { PersonaStore, StatementStore } from './store.ts';
import type { StatementFilter } from './types.ts';

export interface ExportDeps {
  statements: StatementStore;
  personas: Pick<PersonaStore, 'joined'>;
  clock: Clock;
  /** The search form's fields as a filter; `text` is looked for in the sentences. */
  search: (query: unknown) => Promise<{ filter: StatementFilter; word: string | undefined }>;
}

/** Counted so far for a progress bar, no farther: a larger export shows how much it has done only. */
const mostCounted = 5_000_000;

const seqOf = (value: unknown): number | null =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : null;

/** A search's Statements as a file, oldest first, in constant memory; and how many they are. */
export function createExportRoutes({ statements, personas, clock, search }: ExportDeps): Router {
  const routes = Router();

  routes.get('/api/lrs/export/count', async (req, res) => {
    const { filter, word } = await search(req.query);
    // Words are looked for in each Statement: only the export itself tells how many have them.
    if (word !== undefined) return void res.json({ total: null });
    const through = seqOf(req.query['through']);
    const queries = await queriesOf(personas, filter, mostCounted + 1);
    const total = await countAny(
      statements,
      queries.map((query) => ({ ...query, through })),
    );
    res.json({ total: total !== null && total > mostCounted ? null : total });
  });

  routes.get('/api/lrs/export.:format', async (req, res) => {
    const { format } = req.params;
    if (format !== 'csv' && format !== 'ndjson')
      throw new DomainError('not-found', 'There is csv and ndjson.', { code: 'not-found' });
    const { filter, word } = await search(req.query);
    // Pinned, so that the count can be of the same Statements.
    const through = await statements.head();
    const all = allRows({ statements, personas }, filter, through);
    const language = (res.locals['language'] as Language | undefined) ?? 'zh-TW';
    const rows = word === undefined ? all : withWord(all, word, language);
    const csv = format === 'csv';
    res.type(csv ? 'text/csv; charset=utf-8' : 'application/x-ndjson');
    res.attachment(`statements-${clock.now().toISOString().slice(0, 10)}.${format}`);
    res.set({ 'Cache-Control': 'no-store', 'X-Through': String(through) });
    try {
      await pipeline(Readable.from(csv ? toCsv(rows) : toNdjson(rows)), res);
    } catch (error) {
      // Whoever cancels an export needs no answer; any other fault breaks the file off, so that it is not taken for whole.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    }
  });

  return routes;
}
