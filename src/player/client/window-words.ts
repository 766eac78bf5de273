import type { WindowWords } from './window-stage.ts';

/** What the launch frame says around content in a window of its own. */
export const windowWords: Record<'zh-TW' | 'en', WindowWords> = {
  'zh-TW': {
    open: '教材已在另一個視窗開啟。請保留本頁，閱讀時數照常計算。',
    blocked: '這份教材要在獨立視窗開啟，請按下方按鈕。',
    closed: '教材視窗已關閉，進度已儲存。',
    focus: '回到教材視窗',
    start: '開啟教材視窗',
    again: '重新開啟教材',
  },
  en: {
    open: 'The material is open in another window. Keep this page open; reading time counts as usual.',
    blocked: 'This material opens in a window of its own. Please press the button.',
    closed: 'The window was closed. Your progress is saved.',
    focus: 'Go to the material',
    start: 'Open the material',
    again: 'Open it again',
  },
};

/** What stands where content was when sequencing has nothing to open. */
export const restWords: Record<'zh-TW' | 'en', { begin: string; choose: string; ended: string }> = {
  'zh-TW': {
    begin: '請由目錄選擇要學習的單元。',
    choose: '本單元已結束，目前沒有可接續開啟的單元，請由目錄選擇。',
    ended: '本課程的教材已結束，進度已儲存。您可以離開課程，或由目錄再開啟單元。',
  },
  en: {
    begin: 'Please choose a unit from the table of contents.',
    choose: 'This unit has ended and none follows it for now. Please choose from the table of contents.',
    ended:
      'The material has come to its end, and your progress is saved. You may leave, or open a unit again.',
  },
};
