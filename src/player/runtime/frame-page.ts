import type { PackageItem } from '../types.ts';

/** What the launch frame's script is told; it stands in the page as JSON. */
export interface FrameConfiguration {
  /** Speaks for the run-time API of this launch only. */
  token: string;
  launchId: string;
  registration: string;
  /** Where the package's files are read: `/s/<handle>/`. */
  filesPath: string;
  portalOrigin: string;
  standard: string;
  title: string;
  items: PackageItem[];
  extra: Record<string, unknown>;
  language: string;
  browse: boolean;
  /** Where content is shown. */
  window: 'frame' | 'popup';
}

/** JSON that may stand inside a script element. */
const embedded = (value: unknown): string =>
  JSON.stringify(value)
    .replace(/</g, '\\u003c')
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029');
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.codePointAt(0) ?? 0};`);

/** The launch frame: hosts the run-time API in the content's own origin, with the content in a frame of its own below. */
export const framePage = (configuration: FrameConfiguration): string => `<!doctype html>
<html lang="${escaped(configuration.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(configuration.title)}</title>
<style>html,body,iframe{display:block;width:100%;height:100%;margin:0;border:0;overflow:hidden;background:#fff}[hidden]{display:none!important}
#own-window,#rest{display:flex;flex-direction:column;align-items:center;justify-content:center;height:100%;padding:16px;box-sizing:border-box;background:#fbfaf6;color:#1d2733;font:18px/1.7 "Noto Sans TC",system-ui,sans-serif;text-align:center}
#own-window button{min-height:44px;padding:8px 24px;border:0;border-radius:4px;background:#b3420f;color:#fff;font:inherit;cursor:pointer}
#own-window button:focus-visible{outline:3px solid #1b4fd6;outline-offset:2px}</style>
<script type="application/json" id="configuration">${embedded(configuration)}</script>
<script type="module" src="/client/frame.js"></script>
</head>
<body><iframe id="content" name="content" title="${escaped(configuration.title)}" src="about:blank" allow="autoplay; fullscreen; encrypted-media" allowfullscreen></iframe><main id="own-window" hidden></main><p id="rest" role="status" hidden></p></body>
</html>`;
