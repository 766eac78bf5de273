const gold = { deep: '#7a5c12', mid: '#a8842c' };

const round = (n: number): string => n.toFixed(2).replace(/\.?0+$/, '');

/** A closed curve r(θ), drawn as one path around 0,0. */
function curve(points: number, radius: (angle: number) => number): string {
  const at = (step: number): string => {
    const angle = (step / points) * 2 * Math.PI;
    const r = radius(angle);
    return `${round(r * Math.cos(angle))} ${round(r * Math.sin(angle))}`;
  };
  return `M${Array.from({ length: points }, (_unused, step) => at(step)).join('L')}Z`;
}

/** A guilloche of interlaced waves, as on securities: hard to copy by hand, quiet to the eye. */
function guilloche(): string {
  const waves = Array.from({ length: 9 }, (_unused, wave) =>
    curve(360, (angle) => 62 + 24 * Math.cos(12 * angle + (wave / 9) * 2 * Math.PI)),
  );
  const core = Array.from({ length: 5 }, (_unused, wave) =>
    curve(240, (angle) => 26 + 10 * Math.cos(8 * angle + (wave / 5) * 2 * Math.PI)),
  );
  return [...waves, ...core].join('');
}

/** The paper's pattern behind the text. */
export const rosette = `<svg class="rosette" viewBox="-90 -90 180 180" aria-hidden="true"><path d="${guilloche()}" fill="none" stroke="#f7f1e1" stroke-width=".32"/></svg>`;

/** A rectangle in mm, inset from the sheet's edge, with quarter circles cut out of its corners. */
function notched(inset: number, notch: number): string {
  const [left, top, right, bottom] = [inset, inset, 297 - inset, 210 - inset];
  const arc = `A${notch} ${notch} 0 0 0`;
  return [
    `M${left + notch} ${top}H${right - notch}${arc} ${right} ${top + notch}`,
    `V${bottom - notch}${arc} ${right - notch} ${bottom}`,
    `H${left + notch}${arc} ${left} ${bottom - notch}V${top + notch}${arc} ${left + notch} ${top}Z`,
  ].join('');
}

/** The double line around the front page. */
export const frame = `<svg class="frame" viewBox="0 0 297 210" aria-hidden="true"><g fill="none"><path d="${notched(9, 9)}" stroke="${gold.mid}" stroke-width=".5"/><path d="${notched(10.6, 8.4)}" stroke="${gold.mid}" stroke-width=".16"/></g></svg>`;

const leaf = 'M0 0C2.2-2.4 2.4-6 0-9C-2.4-6-2.2-2.4 0 0Z';

/** Leaves along an arc below the centre, on both sides: a garden's wreath. */
const wreath = [-1, 1]
  .flatMap((side) =>
    Array.from({ length: 9 }, (_unused, at) => {
      const angle = 90 + side * (14 + at * 17);
      const x = 24.5 * Math.cos((angle * Math.PI) / 180);
      const y = 24.5 * Math.sin((angle * Math.PI) / 180);
      const lean = angle + (side > 0 ? 150 : 30);
      return `<path transform="translate(${round(x)} ${round(y)}) rotate(${round(lean)}) scale(.62)" d="${leaf}"/>`;
    }),
  )
  .join('');

/** The platform's seal in gold: a scalloped medal, a wreath, and the path of three steps under the name 知行. */
export const seal = `<svg class="seal" viewBox="-50 -50 100 100" role="img" aria-label="知行 鋼印">
<defs>
<radialGradient id="medal" cx="38%" cy="30%" r="85%"><stop offset="0" stop-color="#f4e6b4"/><stop offset=".45" stop-color="#cfaa4c"/><stop offset="1" stop-color="${gold.deep}"/></radialGradient>
<radialGradient id="disc" cx="40%" cy="32%" r="80%"><stop offset="0" stop-color="#fdf8e6"/><stop offset="1" stop-color="#ead59a"/></radialGradient>
</defs>
<path d="${curve(320, (angle) => 45.5 + 2.2 * Math.cos(40 * angle))}" fill="url(#medal)"/>
<circle r="40.5" fill="none" stroke="#fff7dc" stroke-width=".7"/>
<circle r="38.6" fill="none" stroke="${gold.deep}" stroke-width=".5" stroke-dasharray=".2 1.6" stroke-linecap="round"/>
<circle r="36.4" fill="url(#disc)" stroke="${gold.deep}" stroke-width=".6"/>
<path d="${curve(360, (angle) => 32.6 + 1.6 * Math.cos(30 * angle))}${curve(360, (angle) => 32.6 - 1.6 * Math.cos(30 * angle))}" fill="none" stroke="${gold.mid}" stroke-width=".3"/>
<g fill="${gold.deep}">${wreath}</g>
<path d="M-11 15.5h22" stroke="${gold.deep}" stroke-width="1" fill="none"/>
<g fill="#fdf8e6" stroke="${gold.deep}" stroke-width="1"><circle cx="-11" cy="15.5" r="2.2"/><circle cx="0" cy="15.5" r="2.2"/><circle cx="11" cy="15.5" r="2.2" fill="${gold.deep}"/></g>
<text x="0" y="7" text-anchor="middle" font-family="Noto Serif TC" font-weight="700" font-size="19" fill="#5f470c">知行</text>
</svg>`;
