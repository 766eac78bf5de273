import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { isDomainError } from '../base/errors.ts';
import type { Assessments } from '../assessment/types.ts';
import { parseQuiz, parseSurvey } from '../assessment/text-format.ts';
import type { PackageLibrary } from '../player/types.ts';
import type { Catalogue, CourseDraft } from './types.ts';

interface Sample {
  /** Folder under content/, and the zip's name. */
  content: string;
  draft: Omit<CourseDraft, 'packageVersionId'>;
  quiz: string;
}

const survey = `
* 整體來說，您對這門課程滿意嗎？ || Overall, are you content with this course?
- 非常不滿意 || Very discontent
- 不滿意 || Discontent
- 普通 || Neutral
- 滿意 || Content
- 非常滿意 || Very content

* 課程內容對您的工作有幫助嗎？ || Does the content help you in your work?
- 完全沒有 || Not at all
- 一些 || Somewhat
- 很有幫助 || A great deal

您最喜歡哪些部分？（可複選） || Which parts did you like? (several)
[ ] 說明文字 || The text
[ ] 圖片 || The pictures
[ ] 練習題 || The practice questions

您還有什麼建議？ || What else would you suggest?
`;

const samples: readonly Sample[] = [
  {
    content: 'personal-data-protection',
    draft: {
      code: 'ZX115110001',
      title: { 'zh-TW': '個人資料保護的第一課', en: 'Personal data protection: a first lesson' },
      summary: {
        'zh-TW':
          '民眾把姓名、電話、身分證字號交給我們，是因為信任。這門課用兩分鐘帶您走過個人資料保護法的基本功：什麼是個人資料、蒐集時要告知什麼、平日如何保管、當事人有哪些權利，以及外洩時該怎麼辦。',
        en: 'People hand us their names and numbers because they trust us. In two minutes this course walks through the basics of the Personal Data Protection Act: what personal data is, what to tell when collecting it, how to keep it, the rights of the person, and what to do after a breach.',
      },
      certifiedHours: 0.1,
      type: 'micro',
      teacher: '知行教材工作室',
      categoryPath: ['政策能力訓練', '政策宣導訓練', '資訊安全', '個人資料保護'],
      categoryCode: '341',
      conditions: { readingSeconds: 60, passScore: 60, survey: true },
    },
    quiz: `
下列何者是個人資料保護法所稱的個人資料？ || Which of these is personal data under the act?
( ) 某縣去年的總人口數 || The population of a county
(*) 申請人的姓名與身分證字號 || An applicant's name and ID number
( ) 機關的統一編號 || The tax number of an agency
> 得以直接或間接方式識別特定自然人的資料，才是個人資料。 || Data that identify a natural person, directly or indirectly.

蒐集民眾個人資料時，應明確告知哪些事項？ || What must people be told when their data are collected?
[*] 蒐集的目的 || The purpose
[*] 利用的期間、地區、對象及方式 || The time, place, recipients and manner of use
[*] 當事人得行使的權利 || Their rights
[ ] 承辦人的住址 || The address of the official in charge

承辦業務時，個人資料的利用應以什麼為限？ || How far may personal data be used?
(*) 與蒐集的特定目的相符 || As far as the purpose of the collection
( ) 只要是同一機關就可以 || Anywhere within the same agency
( ) 長官口頭同意即可 || As the superior says

把含有民眾資料的名單寄給同仁時，哪一種做法最妥當？ || What is the best way to send a list with people's data to a colleague?
( ) 以私人信箱寄送，較快 || By private mail: it is faster
( ) 貼到群組方便大家看 || Post it to the group chat
(*) 以公務管道傳送、加密，並只含必要欄位 || By an official channel, encrypted, with the needed fields only

發現個人資料外洩時，第一步應該做什麼？ || What is the first step after a breach is found?
( ) 等查清楚再說 || Wait until all is known
(*) 立即通報並採取應變措施，查明後通知當事人 || Report at once and contain it; inform the people concerned once it is established
( ) 刪除系統紀錄 || Delete the logs
`,
  },
  {
    content: 'office-energy',
    draft: {
      code: 'ZX115110002',
      title: { 'zh-TW': '辦公室節能小學堂', en: 'Saving energy in the office' },
      summary: {
        'zh-TW': '照明、空調、待機電力：三個單元，三個明天就能開始的習慣。適合所有辦公室同仁。',
        en: 'Lighting, air conditioning, standby power: three units, three habits that can begin tomorrow.',
      },
      certifiedHours: 0.2,
      type: 'open',
      teacher: '知行教材工作室',
      categoryPath: ['政策能力訓練', '政策宣導訓練', '環境教育', '環境及資源管理'],
      categoryCode: '343',
      conditions: { readingSeconds: 120, passScore: 75, survey: true },
    },
    quiz: `
夏季辦公室冷氣設定幾度以上較為節能？ || Which setting saves energy in summer?
( ) 20 ℃
( ) 23 ℃
(*) 26 ℃ 並搭配電扇 || 26 ℃ with a fan

下班離開前，哪些做法能減少待機電力？ || What reduces standby power after hours?
[*] 關閉電腦螢幕 || Switch off the screens
[*] 關閉延長線總開關 || Switch off the power strip
[ ] 把冷氣調低備用 || Turn the air conditioning down in advance

自然光充足的靠窗座位，照明應該如何安排？ || What about lighting by a bright window?
( ) 全部打開較亮 || All lights on
(*) 分區控制，關閉靠窗的燈 || Control by zone; window lights off

空調濾網多久清洗一次為宜？ || How often should filters be cleaned?
(*) 約每兩週一次 || About every two weeks
( ) 一年一次 || Once a year
( ) 不需要清洗 || Never
`,
  },
];

export interface SampleDeps {
  /** Where the build put the zips. */
  contentDir: string;
  catalogue: Catalogue;
  assessments: Assessments;
  library: PackageLibrary;
  by: { personId: string; organisation: string };
}

/** Makes the sample courses that are not there yet; each step looks first, so a start that was cut off goes on where it stopped. */
export async function ensureSampleCourses({
  contentDir,
  catalogue,
  assessments,
  library,
  by,
}: SampleDeps): Promise<void> {
  for (const { content, draft, quiz } of samples) {
    const zip = join(contentDir, `${content}.zip`);
    let course = await catalogue.byCode(draft.code);
    if (course && course.status !== 'draft') continue;
    await access(zip);
    try {
      course ??= await catalogue.create(draft, by);
    } catch (error) {
      // Another process is at it.
      if (isDomainError(error, 'conflict')) continue;
      throw error;
    }
    if (course.packageVersionId === null) {
      const imported = await library.importZip(createReadStream(zip), by, { fileName: `${content}.zip` });
      if (!imported.accepted)
        throw new Error(
          `The sample ${content} is refused: ${imported.findings.map(({ message }) => message.en).join('; ')}`,
        );
      course = await catalogue.update(course.id, { packageVersionId: imported.version.id });
    }
    await assessments.saveQuiz({
      courseId: course.id,
      title: { 'zh-TW': '課後測驗', en: 'Quiz' },
      questions: parseQuiz(quiz),
      drawn: null,
      shuffle: false,
    });
    await assessments.saveSurvey({
      courseId: course.id,
      title: { 'zh-TW': '課後問卷', en: 'Course survey' },
      questions: parseSurvey(survey),
    });
    await catalogue.publish(course.id);
  }
}
