// What `npm start` and `npm test` need beyond the sources: the browser client and the sample packages, under build/.
import { buildClient } from './build-client.ts';
import { buildContent } from './build-content.ts';

await Promise.all([buildClient(), buildContent()]);
