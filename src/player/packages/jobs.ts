import { isDomainError } from '../../base/errors.ts';
import type { Finding } from '../types.ts';
import type { ImportJob } from './store.ts';

/** A running job is marked so often that it still runs. */
export const jobAliveSeconds = 10;
/** One that has not been marked for so long was cut off with its process. */
const stalledSeconds = 30;

export const isUnderWay = ({ phase }: Pick<ImportJob, 'phase'>): boolean =>
  phase === 'receiving' || phase === 'checking' || phase === 'storing';

/** Why an upload did not come to an end: a reason that is the sender's to know, or a fault of ours that says nothing. */
export const uploadFailed = (error: unknown): Finding => ({
  severity: 'error',
  rule: isDomainError(error) ? (error.code ?? error.kind) : 'internal',
  file: null,
  line: null,
  message: {
    'zh-TW': isDomainError(error, 'too-large') ? '檔案超過上傳大小上限' : '上傳未完成',
    en: isDomainError(error) ? error.message : 'The server failed to check the package. Please try again.',
  },
  remedy: { 'zh-TW': '請確認檔案後再試一次', en: 'Check the file and try again' },
});

/** The job as it stands now: one whose process has died has failed. */
export const jobAt = (job: ImportJob, now: Date): ImportJob =>
  isUnderWay(job) && now.getTime() - job.updatedAt.getTime() > stalledSeconds * 1000
    ? { ...job, phase: 'failed', findings: [uploadFailed(null)] }
    : job;
