import type { Ledger } from './ledger.ts';

/** RTE 4.2.8: an SCO that ends by time-out or log-out asks for the end of the whole attempt. */
export const impliedBy = (standard: '1.2' | '2004', exit: string | undefined): string | null =>
  standard === '2004' && (exit === 'time-out' || exit === 'logout') ? 'exitAll' : null;

/** An objective that came with the item has its id from the platform: what is said of it is sent with that id. */
export function withObjectiveIds(set: [string, string][], ledger: Ledger): [string, string][] {
  const sent = new Set(set.map(([name]) => name));
  const ids = new Set(
    set.flatMap(([name]) => {
      const at = /^cmi\.objectives\.\d+(?=\.)/.exec(name)?.[0];
      return at && !sent.has(`${at}.id`) ? [`${at}.id`] : [];
    }),
  );
  return [...[...ids].map((name): [string, string] => [name, ledger.value(name) ?? '']), ...set];
}
