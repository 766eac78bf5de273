import type { LocalText } from '../../base/languages.ts';
import type { Assurance } from '../types.ts';
import type { Column, Provider } from './types.ts';

/** A way to sign in as pages speak of it. */
export interface OfferedProvider {
  key: string;
  label: LocalText;
  columns: readonly Column[];
  /** The most that the provider can vouch for. */
  assurance: Assurance;
}

const order: Assurance[] = ['social', 'verified', 'official'];

/** The most that the entry can lead to: its default, or the best that its attribute map knows. */
export function mostAssurance({ assurance, attributes }: Provider): Assurance {
  const mapped = attributes
    .filter(({ to }) => to === 'assurance')
    .flatMap(({ values }) => (values ? Object.values(values) : order));
  return order.findLast((level) => level === assurance || mapped.includes(level)) ?? 'social';
}

export const offeredProvider = (provider: Provider): OfferedProvider => ({
  key: provider.key,
  label: provider.label,
  columns: provider.columns,
  assurance: mostAssurance(provider),
});

/** The buttons of one column of the sign-in panel, in the order of the configuration. */
export const providersFor = <P extends Pick<OfferedProvider, 'columns'>>(
  providers: readonly P[],
  column: Column,
): P[] => providers.filter(({ columns }) => columns.includes(column));
