/** The form in which names are compared for uniqueness: width, case and outer spaces do not distinguish. */
export const foldName = (name: string): string => name.normalize('NFKC').trim().toLowerCase();
