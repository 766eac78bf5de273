import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DomainError } from '../../base/errors.ts';
import { newSortableId, newToken } from '../../base/ids.ts';

/** Whether the process that made the upload still runs on this machine. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export interface UploadFiles {
  /** Writes the stream to a file of its own, hands it to `use`, and removes it whatever happens. */
  receive<T>(
    bytes: Readable,
    onBytes: (count: number) => void,
    use: (file: string) => Promise<T>,
  ): Promise<T>;
  /** Removes what dead processes left. */
  cleanUp(): Promise<void>;
}

/** Where uploads wait while they are checked; DomainError `too-large` beyond `limit` bytes. */
export function createUploadFiles(folder: string, limit: number): UploadFiles {
  // A process id comes back after a restart in a container: this tells whose a file is.
  const own = newSortableId().replaceAll('-', '');
  const counted = (onBytes: (count: number) => void): Transform => {
    let count = 0;
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        count += chunk.length;
        onBytes(count);
        if (count <= limit) return done(null, chunk);
        done(
          new DomainError('too-large', `The package is larger than ${limit} bytes.`, {
            code: 'package-too-large',
            params: { limit },
          }),
        );
      },
    });
  };
  return {
    async receive(bytes, onBytes, use) {
      await mkdir(folder, { recursive: true });
      const file = join(folder, `upload-${process.pid}-${own}-${newToken(12)}`);
      // Opened before the first byte: a stream that fails at once would be tidied up after before its file is there.
      const handle = await open(file, 'wx', 0o600);
      try {
        await pipeline(bytes, counted(onBytes), handle.createWriteStream());
        return await use(file);
      } finally {
        await rm(file, { force: true });
      }
    },
    async cleanUp() {
      // Other processes may share the folder: only what no living one is writing goes.
      for (const name of await readdir(folder).catch(() => [] as string[])) {
        const [, digits = '0', owner = ''] = /^upload-(\d+)-(\w+)-/.exec(name) ?? [];
        const pid = Number(digits);
        const alive = owner === own || (pid !== 0 && pid !== process.pid && isRunning(pid));
        if (!alive) await rm(join(folder, name), { recursive: true, force: true });
      }
    },
  };
}
