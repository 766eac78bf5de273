import { type Checker, found } from './check.ts';
import { checkIri, checkLanguageMap } from './scalars.ts';

const attachmentKeys = new Set([
  'usageType',
  'display',
  'description',
  'contentType',
  'length',
  'sha2',
  'fileUrl',
]);

/** 1.0.3 Data 2.6: the Attachment that holds a Statement's signature. */
export const signatureUsage = 'http://adlnet.gov/expapi/attachments/signature';

const sha2 = /^(?:[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/i;
const mediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+*-]+(?:\s*;.*)?$/;

export function checkAttachments(c: Checker, value: unknown, path: string): void {
  if (!c.list(value, path, 'attachments')) return;
  value.forEach((attachment: unknown, index) => {
    const at = `${path}[${index}]`;
    if (!c.object(attachment, at, 'attachments')) return;
    c.keys(attachment, attachmentKeys, at, 'attachments');
    checkIri(c, attachment['usageType'], `${at}.usageType`, 'attachments');
    if (attachment['display'] === undefined) c.fail(`${at}.display`, 'attachments', 'is missing');
    else checkLanguageMap(c, attachment['display'], `${at}.display`);
    if (attachment['description'] !== undefined)
      checkLanguageMap(c, attachment['description'], `${at}.description`);
    const type = attachment['contentType'];
    if (typeof type !== 'string' || !mediaType.test(type))
      c.fail(`${at}.contentType`, 'attachments', `must be an Internet media type, found ${found(type)}`);
    const length = attachment['length'];
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 0)
      c.fail(`${at}.length`, 'attachments', `must be a number of octets, found ${found(length)}`);
    const hash = attachment['sha2'];
    if (typeof hash !== 'string' || !sha2.test(hash))
      c.fail(`${at}.sha2`, 'attachments', `must be a SHA-2 in hexadecimal digits, found ${found(hash)}`);
    if (attachment['fileUrl'] !== undefined)
      checkIri(c, attachment['fileUrl'], `${at}.fileUrl`, 'attachments');
  });
}
