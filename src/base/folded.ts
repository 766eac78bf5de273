/** For comparing what people type as a name: width, case and outer space do not count. */
export const folded = (text: string): string => text.normalize('NFKC').trim().toLowerCase();
