import type { z } from 'zod';
import { DomainError } from '../base/errors.ts';

/** Parses what a client sent; DomainError `invalid` with one problem per fault. */
export function parse<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => ({
    path: issue.path.join('.'),
    message: issue.message,
  }));
  throw new DomainError('invalid', 'Some fields are missing or not valid.', {
    code: 'invalid-fields',
    problems,
  });
}
