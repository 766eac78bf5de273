/** What a page without a manifest plays; addresses are relative to the package's root, encoded. */
export type PlainSource =
  | { kind: 'html'; src: string }
  | { kind: 'video'; src: string; captions: { src: string; language: string }[] }
  | { kind: 'pdf'; src: string }
  | { kind: 'epub'; pages: { src: string; title: string }[] };

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.codePointAt(0) ?? 0};`);

/**
 * The page that plays a plain file as a tracked course. It lies one folder below the package's root; its script is the
 * platform's own, served on the content's origin.
 */
export const plainPage = (title: string, source: PlainSource): string => `<!doctype html>
<html lang="zh-Hant-TW">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<script type="application/json" id="source">${JSON.stringify(source).replace(/</g, '\\u003c')}</script>
<script type="module" src="/client/plain.js"></script>
</head>
<body></body>
</html>
`;
