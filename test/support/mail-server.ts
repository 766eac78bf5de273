import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface TakenMail {
  from: string;
  to: string[];
  /** Headers as they came, names in lower case. */
  headers: Map<string, string>;
  /** The text, decoded. */
  text: string;
}

/** A mail server on loopback (RFC 5321, as far as a client of ours goes) that keeps what it takes. */
export interface MailServer {
  url: string;
  mails: TakenMail[];
  /** Name and password as the last client gave them. */
  credentials(): string | null;
  /** From now on every recipient is refused. */
  refuse(on: boolean): void;
  close(): Promise<void>;
}

const decodeWords = (value: string): string =>
  value
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi, (_, how: string, text: string) =>
      how.toUpperCase() === 'B'
        ? Buffer.from(text, 'base64').toString()
        : quotedPrintable(text.replaceAll('_', ' ')),
    );
const quotedPrintable = (text: string): string =>
  Buffer.from(
    text
      .replaceAll(/=\r?\n/g, '')
      .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  ).toString();

function parseMail(raw: string): Pick<TakenMail, 'headers' | 'text'> {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const headers = new Map(
    head
      .replaceAll(/\r\n[ \t]+/g, ' ')
      .split('\r\n')
      .map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), decodeWords(line.slice(at + 1).trim())] as const;
      }),
  );
  const body = rest.join('\r\n\r\n');
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase();
  const text =
    encoding === 'base64'
      ? Buffer.from(body, 'base64').toString()
      : encoding === 'quoted-printable'
        ? quotedPrintable(body)
        : body;
  return { headers, text: text.replaceAll('\r\n', '\n').trim() };
}

export async function startMailServer(): Promise<MailServer> {
  const mails: TakenMail[] = [];
  const sockets = new Set<Socket>();
  let credentials: string | null = null;
  let refusing = false;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    let pending = '';
    let from = '';
    let to: string[] = [];
    let data: string[] | null = null;
    const command = (line: string): void => {
      const verb = line.slice(0, 4).toUpperCase();
      const path = /<([^>]*)>/.exec(line)?.[1] ?? '';
      if (verb === 'EHLO') return void socket.write('250-localhost\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n');
      if (verb === 'AUTH') {
        credentials = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0')
          .slice(1)
          .join(':');
        return say('235 2.7.0 accepted');
      }
      if (verb === 'MAIL') {
        from = path;
        to = [];
        return say('250 2.1.0 ok');
      }
      if (verb === 'RCPT') {
        if (refusing) return say('550 5.1.1 no such mailbox');
        to.push(path);
        return say('250 2.1.5 ok');
      }
      if (verb === 'DATA') {
        data = [];
        return say('354 go on');
      }
      if (verb === 'QUIT') {
        say('221 2.0.0 bye');
        return void socket.end();
      }
      return say('250 2.0.0 ok');
    };
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
        const line = pending.slice(0, end);
        pending = pending.slice(end + 2);
        if (!data) command(line);
        else if (line === '.') {
          mails.push({ from, to, ...parseMail(data.join('\r\n')) });
          data = null;
          say('250 2.0.0 taken');
        } else data.push(line.replace(/^\./, ''));
      }
    });
    say('220 localhost ready');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `smtp://mailer:p%40ss@127.0.0.1:${port}`,
    mails,
    credentials: () => credentials,
    refuse(on) {
      refusing = on;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
