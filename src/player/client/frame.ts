import type { FrameConfiguration } from '../runtime/frame-page.ts';
import { createContentFrame } from './content-frame.ts';

const element = document.getElementById('configuration');
const configuration = JSON.parse(element?.textContent ?? '{}') as FrameConfiguration;
// Nothing that reads the page later needs to find the token there.
element?.remove();
await createContentFrame(configuration).start();
