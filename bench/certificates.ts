import { createOwnedBrowser } from '../src/certificates/browser.ts';
import { loadCertificateFonts } from '../src/certificates/fonts.ts';
import { createCertificateRenderer } from '../src/certificates/render.ts';
import { certificate } from '../test/support/certificates.ts';

/**
 * How long a certificate takes: cold (browser, fonts and all), warm (one after the other, another name each time), and
 * twenty as one PDF; beside a blank page's PDF on the same browser in the same run. Budget: warm < 500 ms.
 */
const runs = Number(process.argv[2] ?? 31);
const names = '陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐周葉蘇莊呂江何蕭羅高簡';

const median = (times: number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const fonts = loadCertificateFonts();
const browser = createOwnedBrowser({ assets: fonts.asset, pages: 1 });
const renderer = createCertificateRenderer({ browser, fonts, publicOrigin: 'https://learn.example.org' });
try {
  const launch = await timed(() => browser.prewarm());
  const cold = await timed(() => renderer.prewarm());
  const warm: number[] = [];
  const blank: number[] = [];
  let bytes = 0;
  for (let run = 0; run < runs; run++) {
    const personName = `${names[run % names.length]}小明`;
    warm.push(
      await timed(async () => {
        bytes = (await renderer.pdf([certificate({ personName })])).length;
      }),
    );
  }
  await browser.withPage(async (page) => {
    await page.setContent('');
    for (let run = 0; run < runs; run++)
      blank.push(await timed(() => page.pdf({ format: 'A4', landscape: true })));
  });
  const twenty = await timed(() => renderer.pdf(Array.from({ length: 20 }, () => certificate())));
  const ms = (time: number): string => `${time.toFixed(0)} ms`;
  console.log(`certificate, browser launched    ${ms(launch)}`);
  console.log(`certificate, first on a page     ${ms(cold)}`);
  console.log(
    `certificate, warm                ${ms(median(warm))} median of ${runs} (worst ${ms(Math.max(...warm))}, ${(bytes / 1024).toFixed(0)} KiB)`,
  );
  console.log(`blank page                       ${ms(median(blank))} median of ${runs}`);
  console.log(`ratio warm : blank               ${(median(warm) / median(blank)).toFixed(1)}`);
  console.log(`twenty as one PDF                ${ms(twenty)}`);
  if (median(warm) >= 500) process.exitCode = 1;
} finally {
  await browser.close();
}
