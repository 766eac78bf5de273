const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

/** A form with hidden fields and one button. */
export interface PageForm {
  action: string;
  fields: Record<string, string>;
  button: string;
}

/** A page of the demo's identity providers: plain, in both languages, and clearly not the real thing. */
export const demoIdpPage = (title: string, text: string, forms: PageForm[]): string => `<!doctype html>
<html lang="zh-Hant-TW">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>
body { font: 18px/1.7 system-ui, sans-serif; max-width: 34rem; margin: 2rem auto; padding: 0 1rem; color: #1d2733; background: #fff }
button { font: inherit; width: 100%; min-height: 48px; margin: .25rem 0; padding: .5rem 1rem; text-align: left; border: 1px solid #55606e; border-radius: 6px; background: #fff; color: inherit; cursor: pointer }
button:focus-visible { outline: 3px solid #1b4fd6; outline-offset: 2px }
form { margin: 0 }
.note { color: #55606e }
</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<p>${escaped(text)}</p>
<p class="note">展示用的身分提供者，人物皆為虛構。<span lang="en">A demo identity provider; the people are made up.</span></p>
${forms
  .map(
    ({ action, fields, button }) => `<form method="post" action="${escaped(action)}">
${Object.entries(fields)
  .map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`)
  .join('\n')}
<button type="submit">${escaped(button)}</button>
</form>`,
  )
  .join('\n')}
</main>
</body>
</html>
`;
