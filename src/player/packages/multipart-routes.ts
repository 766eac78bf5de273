import { PassThrough } from 'node:stream';
import busboy from 'busboy';
import type { Request } from 'express';
import { DomainError } from '../../base/errors.ts';

export interface UploadedFile {
  stream: PassThrough;
  fileName: string;
  /** What the form says ahead of the file. */
  fields: Record<string, string>;
}

/** The file in this field of a multipart form, as a stream; rejects when the form has none. */
export function uploadedFile(req: Request, field: string): Promise<UploadedFile> {
  return new Promise((resolve, reject) => {
    let form: busboy.Busboy;
    try {
      form = busboy({
        headers: req.headers,
        limits: { files: 1, fields: 20, fieldSize: 64 * 1024 },
        defParamCharset: 'utf8',
      });
    } catch {
      reject(
        new DomainError('unsupported-media', 'Send the file as multipart/form-data.', {
          code: 'not-multipart',
        }),
      );
      return;
    }
    let found = false;
    const fields = Object.create(null) as Record<string, string>;
    form.on('field', (name, value) => {
      if (!found) fields[name] = value;
    });
    form.on('file', (name, file, info) => {
      if (name !== field || found) return void file.resume();
      found = true;
      // Errors of either side reach the reader, so that a broken connection ends the import.
      const stream = new PassThrough();
      // What nobody reads any more is taken in and dropped, so that the answer can reach the sender.
      stream.once('close', () => file.resume());
      file.on('error', (error) => stream.destroy(error));
      req.once('aborted', () =>
        stream.destroy(
          new DomainError('invalid', 'The upload broke off. Please try again.', { code: 'upload-aborted' }),
        ),
      );
      file.pipe(stream);
      resolve({ stream, fileName: (info.filename ?? 'package.zip').slice(0, 200), fields });
    });
    form.on('error', reject);
    form.on('close', () => {
      if (!found)
        reject(new DomainError('invalid', `Choose a file first (form field ${field}).`, { code: 'no-file' }));
    });
    req.pipe(form);
  });
}
