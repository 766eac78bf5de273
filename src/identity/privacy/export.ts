import type { BlobStore } from '../../base/blobs.ts';
import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newSortableId, newToken } from '../../base/ids.ts';
import type { Language } from '../../base/languages.ts';
import type { RecordAudit } from '../types.ts';
import { archiveOf } from './archive.ts';
import type { DataSection, StatementRows } from './sections.ts';
import type { Case, CaseStore } from './store.ts';
import type { CaseHandler, CaseWorker } from './worker.ts';

interface ExportBody {
  state: 'waiting' | 'running' | 'ready' | 'expired';
  language: Language;
  /** Rows written, and of how many; null: not known. */
  rows: number;
  total: number | null;
  /** Where the bytes are; unguessable. */
  blob: string | null;
  size: number | null;
  readyAt: string | null;
  expiresAt: string | null;
  failures?: number;
}

export interface DataExport extends Omit<ExportBody, 'blob' | 'readyAt' | 'expiresAt' | 'failures'> {
  id: string;
  requestedAt: Date;
  readyAt: Date | null;
  expiresAt: Date | null;
  /** An earlier try failed; it goes on by itself. */
  trying: boolean;
}

export interface DataExports {
  /** The one that is being made, or a new one. An earlier one that is ready stays until it expires. */
  request(personId: string, language: Language, address: string | null): Promise<DataExport>;
  /** Newest first. */
  of(personId: string): Promise<DataExport[]>;
  /** DomainError `not-found`, also when it is somebody else's or has expired. Written to the audit log. */
  download(
    personId: string,
    id: string,
    address: string | null,
  ): Promise<{ size: number; madeAt: Date; open(): ReturnType<BlobStore['read']> }>;
  /** Takes away every download of the person. */
  forget(personId: string): Promise<void>;
  handler: CaseHandler<ExportBody>;
}

/** Rows between two notes of the progress: often enough to be seen and to keep the lease. */
const noteEvery = 2000;

export function createDataExports(deps: {
  cases: CaseStore;
  blobs: BlobStore;
  clock: Clock;
  audit: RecordAudit;
  worker: () => Pick<CaseWorker, 'kick'>;
  /** The person, and accounts whose record they took over. */
  idsOf(personId: string): Promise<string[]>;
  sections: readonly DataSection[];
  statements: StatementRows;
  /** How long a finished one can be fetched. */
  days: number;
}): DataExports {
  const { cases, blobs, clock, audit, sections, statements } = deps;

  const toExport = (one: Case): DataExport => {
    const { blob: _, failures = 0, ...body } = JSON.parse(one.body) as ExportBody;
    return {
      ...body,
      id: one.id,
      requestedAt: one.createdAt,
      readyAt: body.readyAt === null ? null : new Date(body.readyAt),
      expiresAt: body.expiresAt === null ? null : new Date(body.expiresAt),
      trying: failures > 0 && body.state !== 'ready' && body.state !== 'expired',
    };
  };

  return {
    async request(personId, language, address) {
      const at = clock.now();
      const body: ExportBody = {
        state: 'waiting',
        language,
        rows: 0,
        total: null,
        blob: null,
        size: null,
        readyAt: null,
        expiresAt: null,
      };
      const id = newSortableId();
      const kept = await cases.add({
        id,
        kind: 'export',
        personId,
        openKey: `export:${personId}`,
        dueAt: at,
        createdAt: at,
        body: JSON.stringify(body),
        revision: 0,
      });
      if (kept.id === id)
        await audit({
          action: 'data.export.request',
          actorId: personId,
          subjectId: personId,
          outcome: 'success',
          reason: null,
          address,
          detail: { export: id },
        });
      deps.worker().kick();
      return toExport(kept);
    },
    async of(personId) {
      return (await cases.ofPerson(personId, 'export')).map(toExport);
    },
    async download(personId, id, address) {
      const one = await cases.byId(id);
      const body = one && (JSON.parse(one.body) as ExportBody);
      const mine = one?.kind === 'export' && one.personId === personId;
      if (!mine || body?.state !== 'ready' || !body.blob || clock.now() >= new Date(body.expiresAt ?? 0))
        throw new DomainError('not-found', 'There is no such download (any more). Ask for a new one.', {
          code: 'export-none',
        });
      const { blob, size, readyAt } = body;
      await audit({
        action: 'data.export',
        actorId: personId,
        subjectId: personId,
        outcome: 'success',
        reason: null,
        address,
        detail: { export: id },
      });
      return { size: size ?? 0, madeAt: new Date(readyAt ?? 0), open: () => blobs.read(blob) };
    },
    async forget(personId) {
      for (const one of await cases.ofPerson(personId, 'export')) {
        await blobs.deletePrefix(`exports/${one.id}/`);
        await cases.delete(one.id);
      }
    },
    async handler(held) {
      const { id, personId, body } = held;
      const folder = `exports/${id}/`;
      if (body.state === 'ready') {
        await blobs.deletePrefix(folder);
        await held.leave({ ...body, state: 'expired', blob: null }, { open: false });
        return;
      }
      const ids = await deps.idsOf(personId);
      const counted = await statements.count(ids);
      // What an earlier try has left; then from the beginning.
      await blobs.deletePrefix(folder);
      const { failures: _, ...fresh } = body;
      // Every file passes over its rows; of the long ones there are two.
      let progress: ExportBody = {
        ...fresh,
        state: 'running',
        rows: 0,
        total: counted === null ? null : counted * 2,
      };
      await held.keep(progress);
      let rows = 0;
      const blob = `${folder}${newToken(16)}.zip`;
      const written = await blobs.put(
        blob,
        archiveOf({
          ids,
          language: body.language,
          madeAt: clock.now(),
          sections,
          statements,
          async onRow(more) {
            rows += more;
            if (rows % noteEvery !== 0) return;
            progress = { ...progress, rows };
            await held.keep(progress);
          },
        }),
      );
      const readyAt = clock.now();
      const expiresAt = new Date(readyAt.getTime() + deps.days * 24 * 3600_000);
      await held.leave(
        {
          ...progress,
          state: 'ready',
          rows,
          blob,
          size: written.size,
          readyAt: readyAt.toISOString(),
          expiresAt: expiresAt.toISOString(),
        },
        { open: false, dueAt: expiresAt },
      );
    },
  };
}
