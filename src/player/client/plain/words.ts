const words = {
  'zh-TW': {
    previous: '上一頁',
    next: '下一頁',
    page: '頁次',
    of: '／',
    larger: '放大',
    smaller: '縮小',
    contents: '章節',
    chapter: '第',
    failed: '內容無法開啟，請重新整理或聯絡客服。',
    captions: '字幕',
  },
  en: {
    previous: 'Previous',
    next: 'Next',
    page: 'Page',
    of: '/',
    larger: 'Larger',
    smaller: 'Smaller',
    contents: 'Contents',
    chapter: 'Part',
    failed: 'The content cannot be opened. Reload the page or ask support.',
    captions: 'Captions',
  },
} as const;

export type Words = (typeof words)['zh-TW' | 'en'];
export const wordsIn = (language: 'zh-TW' | 'en'): Words => words[language];

/** An element with its properties and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}
