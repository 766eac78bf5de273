/** The interface's languages, first choice first. */
export const languages = ['zh-TW', 'en'] as const;
export type Language = (typeof languages)[number];
export const defaultLanguage: Language = 'zh-TW';

/** A text in each of the interface's languages; zh-TW is always there. */
export interface LocalText {
  'zh-TW': string;
  en?: string;
}

export const inLanguage = (text: LocalText, language: Language): string =>
  (language === 'en' ? text.en : undefined) ?? text['zh-TW'];
