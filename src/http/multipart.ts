import busboy from 'busboy';
import type { Request } from 'express';
import { DomainError } from '../base/errors.ts';

export interface MultipartForm {
  fields: Record<string, string>;
  /** The first file with a name; null: none was chosen. */
  file: { name: string; bytes: Buffer } | null;
}

/**
 * A small form with a file, held in memory. Larger files are streamed where they are used.
 * @throws DomainError `unsupported-media`, `too-large` (the file or a field is over `limitBytes`), `invalid` (broken off)
 */
export function multipartForm(req: Request, limitBytes: number): Promise<MultipartForm> {
  return new Promise((resolve, reject) => {
    let parser: busboy.Busboy;
    try {
      parser = busboy({
        headers: req.headers,
        limits: { files: 1, fields: 20, fieldSize: limitBytes, fileSize: limitBytes },
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
    const form: MultipartForm = { fields: {}, file: null };
    let tooLarge = false;
    parser.on('field', (name, value, { valueTruncated }) => {
      if (valueTruncated) tooLarge = true;
      // Not into the prototype: the names are the client's.
      Object.defineProperty(form.fields, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    });
    parser.on('file', (_name, stream, { filename }) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('limit', () => (tooLarge = true));
      stream.on('error', reject);
      stream.on('end', () => {
        if (filename) form.file = { name: filename.slice(0, 200), bytes: Buffer.concat(parts) };
      });
    });
    const broken = new DomainError('invalid', 'The upload broke off. Please try again.', {
      code: 'upload-aborted',
    });
    req.once('aborted', () => reject(broken));
    parser.on('error', () => reject(broken));
    parser.on('close', () => {
      if (tooLarge)
        reject(
          new DomainError(
            'too-large',
            `The file is larger than ${Math.floor(limitBytes / 1024 / 1024)} MB.`,
            {
              code: 'file-too-large',
              params: { mb: Math.floor(limitBytes / 1024 / 1024) },
            },
          ),
        );
      else resolve(form);
    });
    req.pipe(parser);
  });
}
