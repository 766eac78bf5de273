import type { LocalText } from '../../base/languages.ts';
import type { Finding } from '../types.ts';

type Words = [zh: string, en: string];
interface Rule {
  severity: Finding['severity'];
  message: Words;
  remedy: Words;
}

/** Every rule of the checker: what it says, and what the vendor can do. `{x}` is filled in. */
const rules = {
  'zip.unreadable': {
    severity: 'error',
    message: ['檔案不是完整的 ZIP：{reason}', 'The file is not a whole ZIP: {reason}'],
    remedy: ['請重新匯出並確認上傳的是 .zip 檔', 'Export the package again and upload the .zip file itself'],
  },
  'zip.empty': {
    severity: 'error',
    message: ['ZIP 內沒有檔案', 'The ZIP holds no files'],
    remedy: ['請將教材內容壓縮後再上傳', 'Zip the content of the course folder'],
  },
  'zip.too-many-files': {
    severity: 'error',
    message: ['檔案數 {count} 超過上限 {limit}', '{count} files; the limit is {limit}'],
    remedy: ['請移除不用的檔案，或拆成數個教材', 'Remove unused files or split the course'],
  },
  'zip.too-large': {
    severity: 'error',
    message: ['解壓縮後 {size} 位元組，超過上限 {limit}', 'Unpacks to {size} bytes; the limit is {limit}'],
    remedy: ['請壓縮影音或拆成數個教材', 'Compress media or split the course'],
  },
  'zip.bomb': {
    severity: 'error',
    message: ['壓縮比 {ratio}:1 異常', 'A compression ratio of {ratio}:1 is not plausible'],
    remedy: ['請移除此檔，或以一般方式重新壓縮', 'Remove this file or zip it in the ordinary way'],
  },
  'zip.encrypted': {
    severity: 'error',
    message: ['檔案設有密碼', 'The file is encrypted'],
    remedy: ['請不設密碼重新壓縮', 'Zip again without a password'],
  },
  'zip.link': {
    severity: 'error',
    message: ['檔案是連結，不是一般檔案', 'The entry is a link, not a file'],
    remedy: ['請以實際檔案取代連結', 'Replace the link by the file itself'],
  },
  'zip.unsupported': {
    severity: 'error',
    message: ['不支援的壓縮方式', 'The compression method is not supported'],
    remedy: ['請以一般（Deflate）方式重新壓縮', 'Zip again with the ordinary (Deflate) method'],
  },
  'name.unsafe': {
    severity: 'error',
    message: [
      '檔名指向教材之外或含有不可用的字元',
      'The name leads out of the package or holds forbidden characters',
    ],
    remedy: ['請改為教材資料夾內的一般相對路徑', 'Use plain relative paths inside the course folder'],
  },
  'name.too-long': {
    severity: 'error',
    message: ['檔名或路徑過長', 'The name or the path is too long'],
    remedy: [
      '請縮短檔名（每段 255 位元組、全長 1024 位元組以內）',
      'Shorten it (255 bytes a part, 1024 in all)',
    ],
  },
  'name.duplicate': {
    severity: 'error',
    message: ['同一路徑出現兩次', 'The same path occurs twice'],
    remedy: ['請刪除其中一個', 'Remove one of them'],
  },
  'name.case-clash': {
    severity: 'error',
    message: ['與 {other} 僅大小寫不同', 'Differs from {other} only in case'],
    remedy: ['請改名；許多系統無法分辨兩者', 'Rename one: many systems cannot tell them apart'],
  },
  'name.encoding': {
    severity: 'warning',
    message: ['檔名不是 UTF-8，以 {encoding} 解讀', 'The name is not UTF-8; read as {encoding}'],
    remedy: ['請用支援 UTF-8 檔名的壓縮工具', 'Use a zip tool that writes UTF-8 names'],
  },
  'name.backslash': {
    severity: 'warning',
    message: ['路徑以反斜線分隔', 'The path uses backslashes'],
    remedy: ['請改用斜線（/）；此次已自動轉換', 'Use slashes; they were converted this time'],
  },
  'manifest.missing': {
    severity: 'error',
    message: ['找不到 imsmanifest.xml', 'There is no imsmanifest.xml'],
    remedy: [
      '請以製作工具匯出 SCORM 1.2 或 SCORM 2004 教材（imsmanifest.xml 在 ZIP 最上層），或上傳含 index.html 的網頁、MP4、PDF、EPUB',
      'Export as SCORM 1.2 or SCORM 2004 (imsmanifest.xml at the top of the ZIP), or upload pages with an index.html, MP4, PDF or EPUB',
    ],
  },
  'manifest.in-folder': {
    severity: 'warning',
    message: [
      'imsmanifest.xml 在資料夾 {folder} 內而非最上層',
      'imsmanifest.xml lies in the folder {folder}, not at the top',
    ],
    remedy: [
      '請壓縮資料夾的內容而非資料夾本身；此次已自動調整',
      'Zip the content of the folder, not the folder; mended this time',
    ],
  },
  'manifest.too-large': {
    severity: 'error',
    message: ['imsmanifest.xml 超過 {limit} 位元組', 'imsmanifest.xml is larger than {limit} bytes'],
    remedy: ['請檢查匯出設定', 'Check the export settings'],
  },
  'manifest.malformed': {
    severity: 'error',
    message: ['XML 格式錯誤：{reason}', 'The XML is malformed: {reason}'],
    remedy: ['請修正此行後重新上傳', 'Mend this line and upload again'],
  },
  'manifest.doctype': {
    severity: 'error',
    message: ['含有 DOCTYPE 宣告', 'Holds a DOCTYPE declaration'],
    remedy: ['請刪除 DOCTYPE；教材不需要實體定義', 'Remove it: a manifest needs no entity definitions'],
  },
  'manifest.root': {
    severity: 'error',
    message: ['根元素是 <{found}> 而非 <manifest>', 'The root element is <{found}>, not <manifest>'],
    remedy: ['請確認這是 IMS 內容包裝檔', 'Make sure this is an IMS content package manifest'],
  },
  'manifest.version': {
    severity: 'warning',
    message: ['未標示 SCORM 版本，以 {assumed} 處理', 'Names no SCORM version; taken for {assumed}'],
    remedy: [
      '請在 <metadata> 加上 <schema> 與 <schemaversion>',
      'Add <schema> and <schemaversion> to <metadata>',
    ],
  },
  'manifest.organization': {
    severity: 'error',
    message: ['沒有課程結構（organization）', 'There is no organization'],
    remedy: [
      '請在 <organizations> 中加入至少一個 <organization> 與 <item>',
      'Add an <organization> with at least one <item>',
    ],
  },
  'manifest.default-organization': {
    severity: 'warning',
    message: [
      '預設課程結構 {id} 不存在，改用第一個',
      'The default organization {id} does not exist; the first one is used',
    ],
    remedy: ['請修正 <organizations default>', 'Correct <organizations default>'],
  },
  'manifest.no-launchable-item': {
    severity: 'error',
    message: ['沒有可以開啟的單元', 'There is nothing to launch'],
    remedy: [
      '請讓至少一個 <item> 指向有 href 的 <resource>',
      'Let at least one <item> refer to a <resource> with an href',
    ],
  },
  'manifest.duplicate-identifier': {
    severity: 'error',
    message: ['識別碼 {id} 重複', 'The identifier {id} occurs twice'],
    remedy: ['請讓每個識別碼只出現一次', 'Give each element an identifier of its own'],
  },
  'manifest.identifier-missing': {
    severity: 'error',
    message: ['<{element}> 沒有識別碼', '<{element}> has no identifier'],
    remedy: ['請加上 identifier 屬性', 'Add an identifier attribute'],
  },
  'manifest.dangling-reference': {
    severity: 'error',
    message: ['identifierref {id} 沒有對應的資源', 'identifierref {id} matches no resource'],
    remedy: ['請修正引用，或補上該 <resource>', 'Correct the reference or add the <resource>'],
  },
  'manifest.dangling-dependency': {
    severity: 'warning',
    message: ['dependency {id} 沒有對應的資源', 'The dependency {id} matches no resource'],
    remedy: ['請修正引用，或刪除該 <dependency>', 'Correct the reference or remove the <dependency>'],
  },
  'manifest.unreachable': {
    severity: 'warning',
    message: [
      '沒有單元引用 SCO {id}，學習者無法開啟',
      'No item launches the SCO {id}: learners cannot reach it',
    ],
    remedy: ['請加入引用它的 <item>，或刪除該資源', 'Add an <item> that refers to it or remove the resource'],
  },
  'manifest.resource-without-href': {
    severity: 'error',
    message: ['單元引用的資源 {id} 沒有 href', 'The resource {id} of an item has no href'],
    remedy: ['請為該資源加上 href', 'Give the resource an href'],
  },
  'manifest.missing-file': {
    severity: 'error',
    message: ['檔案不存在：{path}', 'The file does not exist: {path}'],
    remedy: ['請把檔案放進 ZIP，或修正 href', 'Put the file into the ZIP or correct the href'],
  },
  'manifest.missing-listed-file': {
    severity: 'warning',
    message: ['清單列出的檔案不存在：{path}', 'A listed file does not exist: {path}'],
    remedy: ['請補上檔案，或從清單移除', 'Add the file or take it off the list'],
  },
  'manifest.wrong-case': {
    severity: 'error',
    message: ['{path} 的大小寫與實際檔名 {actual} 不同', '{path} differs in case from the file {actual}'],
    remedy: ['請讓兩者完全相同', 'Make the two the same'],
  },
  'manifest.listed-wrong-case': {
    severity: 'warning',
    message: [
      '清單列出的 {path} 與實際檔名 {actual} 大小寫不同',
      'The listed {path} differs in case from the file {actual}',
    ],
    remedy: [
      '請讓兩者完全相同；網頁若以不同大小寫引用，檔案會讀不到',
      'Make the two the same: a page that uses the other case does not find the file',
    ],
  },
  'manifest.circular': {
    severity: 'error',
    message: ['巢狀的 manifest {id} 引用了自己', 'The nested manifest {id} refers to itself'],
    remedy: ['請修正 identifierref', 'Correct the identifierref'],
  },
  'manifest.external': {
    severity: 'warning',
    message: ['單元指向外部網址 {url}', 'An item launches the external address {url}'],
    remedy: [
      '請把內容放進教材；外部內容無法記錄學習',
      'Put the content into the package: what is outside cannot be tracked',
    ],
  },
  'manifest.unsafe-path': {
    severity: 'error',
    message: ['路徑指向教材之外：{path}', 'The path leads out of the package: {path}'],
    remedy: ['請改為教材內的相對路徑', 'Use a relative path inside the package'],
  },
  'manifest.launch-data-too-long': {
    severity: 'warning',
    message: [
      '啟動資料有 {length} 字元，標準上限 {limit}',
      'The launch data has {length} characters; the standard allows {limit}',
    ],
    remedy: ['請縮短；部分平台會截斷', 'Shorten it: some platforms cut it off'],
  },
  'manifest.mastery-score': {
    severity: 'warning',
    message: [
      '精熟分數 {value} 不是 0 到 100 的數字，不採用',
      'The mastery score {value} is no number from 0 to 100; it is ignored',
    ],
    remedy: ['請改為 0 到 100 的數字', 'Use a number from 0 to 100'],
  },
  'manifest.prerequisites-unknown': {
    severity: 'warning',
    message: ['先備條件引用不存在的單元 {id}', 'The prerequisites name an item that does not exist: {id}'],
    remedy: ['請修正 adlcp:prerequisites', 'Correct adlcp:prerequisites'],
  },
  'manifest.prerequisites-malformed': {
    severity: 'warning',
    message: [
      '先備條件「{script}」不是 aicc_script，不採用',
      'The prerequisites “{script}” are not aicc_script; they are ignored',
    ],
    remedy: [
      '請用單元識別碼與 & | ~ = <> 寫成，例如 A1 & (A2 | A3)',
      'Write item identifiers with & | ~ = <>, e.g. A1 & (A2 | A3)',
    ],
  },
  'manifest.sequencing-collection': {
    severity: 'error',
    message: ['sequencing IDRef {id} 沒有對應的集合', 'sequencing IDRef {id} matches no collection'],
    remedy: ['請修正引用，或補上 <sequencing ID>', 'Correct the reference or add the <sequencing ID>'],
  },
  'manifest.too-deep': {
    severity: 'error',
    message: ['結構超過 {limit} 層', 'The structure is deeper than {limit} levels'],
    remedy: ['請減少巢狀層數', 'Nest less deeply'],
  },
  'standard.unsupported': {
    severity: 'error',
    message: [
      '這是 {standard} 教材，目前不支援',
      'This is an {standard} package; it cannot be played here yet',
    ],
    remedy: [
      '請以製作工具匯出為 SCORM 1.2、SCORM 2004 或網頁（HTML）',
      'Export it as SCORM 1.2, SCORM 2004 or HTML',
    ],
  },
  'content.mixed': {
    severity: 'warning',
    message: [
      '頁面從未加密的網址載入 {url}，瀏覽器會擋下',
      'The page loads {url} without encryption: browsers block it',
    ],
    remedy: ['請把檔案放進教材，或改用 https', 'Put the file into the package or use https'],
  },
  'content.external': {
    severity: 'warning',
    message: ['頁面從外部載入 {url}', 'The page loads {url} from elsewhere'],
    remedy: [
      '請把檔案放進教材，避免日後失效',
      'Put the file into the package, so that it does not vanish one day',
    ],
  },
  'content.own-window': {
    severity: 'warning',
    message: ['頁面要求佔滿整個視窗（top.location）', 'The page breaks out of frames (top.location)'],
    remedy: [
      '播放器會在獨立視窗開啟這份教材；若要嵌入，請移除這段程式',
      'The player opens this material in a window of its own; remove the line to have it embedded',
    ],
  },
  'metadata.missing-file': {
    severity: 'warning',
    message: ['詮釋資料檔 {path} 不存在', 'The metadata file {path} does not exist'],
    remedy: ['請補上檔案，或移除 adlcp:location', 'Add the file or remove adlcp:location'],
  },
  'metadata.malformed': {
    severity: 'warning',
    message: ['詮釋資料的 XML 格式錯誤：{reason}', 'The metadata is malformed XML: {reason}'],
    remedy: ['請修正此行；此次不採用', 'Mend this line; it is ignored this time'],
  },
  'video.no-captions': {
    severity: 'warning',
    message: ['影片沒有字幕', 'The film has no captions'],
    remedy: ['請加上同名的 WebVTT 字幕檔 {name}', 'Add WebVTT captions under the same name: {name}'],
  },
  'video.index-at-end': {
    severity: 'warning',
    message: [
      '影片索引在檔尾，須下載完才能播放',
      'The index lies at the end of the film: it starts only when all is loaded',
    ],
    remedy: ['請以「Web optimized / faststart」重新輸出', 'Export again with “web optimized” (faststart)'],
  },
  'epub.in-zip': {
    severity: 'error',
    message: ['ZIP 內的 EPUB 無法直接使用', 'An EPUB inside a ZIP cannot be used'],
    remedy: ['請直接上傳 .epub 檔', 'Upload the .epub file itself'],
  },
  'epub.missing-file': {
    severity: 'error',
    message: ['電子書缺少檔案 {path}', 'The e-book lacks the file {path}'],
    remedy: ['請重新匯出 EPUB', 'Export the EPUB again'],
  },
  'epub.malformed': {
    severity: 'error',
    message: ['電子書的 XML 格式錯誤：{reason}', 'The e-book holds malformed XML: {reason}'],
    remedy: ['請修正此行後重新匯出', 'Mend this line and export again'],
  },
  'epub.protected': {
    severity: 'error',
    message: ['電子書有數位版權保護', 'The e-book is protected'],
    remedy: ['請上傳沒有版權保護的 EPUB', 'Upload an EPUB without protection'],
  },
  'epub.no-pages': {
    severity: 'error',
    message: ['電子書沒有內容頁', 'The e-book has no pages'],
    remedy: ['請確認 spine 中有文件', 'Make sure that its spine names documents'],
  },
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;

const fill = (template: string, values: Record<string, string | number>): string =>
  template.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
const both = (
  words: Words | readonly [string, string],
  values: Record<string, string | number>,
): LocalText => ({
  'zh-TW': fill(words[0], values),
  en: fill(words[1], values),
});

/** A finding of this rule at this place. Values are shown as given: file names, identifiers and numbers only. */
export function finding(
  rule: RuleName,
  place: { file?: string | null; line?: number | null } = {},
  values: Record<string, string | number> = {},
): Finding {
  const { severity, message, remedy } = rules[rule];
  return {
    severity,
    rule,
    file: place.file ?? null,
    line: place.line ?? null,
    message: both(message, values),
    remedy: both(remedy, values),
  };
}

export const hasErrors = (findings: readonly Finding[]): boolean =>
  findings.some(({ severity }) => severity === 'error');
