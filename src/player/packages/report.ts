import type { Language } from '../../base/languages.ts';
import type { Finding } from '../types.ts';

export interface PackageReport {
  fileName: string;
  accepted: boolean;
  findings: readonly Finding[];
}

const words = {
  'zh-TW': {
    accepted: '可以使用',
    refused: '未通過',
    error: '錯誤',
    warning: '提醒',
    clean: '沒有發現問題',
    line: '行',
  },
  en: {
    accepted: 'accepted',
    refused: 'refused',
    error: 'error',
    warning: 'warning',
    clean: 'nothing to report',
    line: 'line',
  },
} as const;

/** The checker's report as plain text: each finding with its place, its rule and what to do. */
export function reportText({ fileName, accepted, findings }: PackageReport, language: Language): string {
  const say = words[language];
  const place = ({ file, line }: Finding): string =>
    file === null ? '' : ` ${file}${line === null ? '' : `:${line}`}`;
  return [
    `${fileName}: ${accepted ? say.accepted : say.refused}`,
    ...(findings.length === 0 ? [`  ${say.clean}`] : []),
    ...findings.flatMap((one) => [
      `  ${say[one.severity]} [${one.rule}]${place(one)}`,
      `    ${one.message[language]}`,
      `    → ${one.remedy[language]}`,
    ]),
    '',
  ].join('\n');
}
