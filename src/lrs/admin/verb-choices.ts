import type { Language } from '../../base/languages.ts';
import { verbs } from '../../xapi/verbs.ts';

/** The usual verbs as forms offer them. */
export const verbChoices = (language: Language): { id: string; name: string }[] =>
  Object.values(verbs).map(({ id, display }) => ({
    id,
    name: display?.[language === 'en' ? 'en-US' : 'zh-TW'] ?? id,
  }));
