import { DomainError } from '../base/errors.ts';

/** Said instead of starting on half a store. */
export const unfinishedMove = (where: string): DomainError =>
  new DomainError(
    'conflict',
    `The store in ${where} is the unfinished target of a move: run the same \`npm run migrate-store\` again, it goes on where it was; or name another store.`,
  );
