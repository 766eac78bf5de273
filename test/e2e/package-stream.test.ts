import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import express from 'express';
import { createPackageFileServer } from '../../src/player/runtime/file-routes.ts';
import { until } from '../support/portal.ts';

/** A film of eight gigabytes that is nowhere: its bytes are made as they are asked for, and counted. */
const size = 8 * 1024 ** 3;

describe('A large film is streamed, never held (requirements of issue 6, item 8)', () => {
  let server: Server;
  let made = 0;
  let opened: Readable | null = null;

  before(async () => {
    const serve = createPackageFileServer({
      file: async (_version, path) => ({
        size,
        etag: `"${path}"`,
        async open({ start = 0, end = size - 1 } = {}) {
          let at = start;
          const chunk = Buffer.alloc(64 * 1024, 7);
          opened = new Readable({
            read() {
              const left = end + 1 - at;
              if (left <= 0) return void this.push(null);
              const next = chunk.subarray(0, Math.min(chunk.length, left));
              at += next.length;
              made += next.length;
              this.push(next);
            },
          });
          return opened;
        },
      }),
    });
    const app = express();
    app.get('/film.mp4', (req, res) => serve(req, res, 'v', 'film.mp4'));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const ask = (headers: Record<string, string> = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      get({ port, host: '127.0.0.1', path: '/film.mp4', headers }, resolve).on('error', reject);
    });
  /** Nothing more is made: the sockets' buffers are full. */
  const settled = async (): Promise<number> => {
    let before = -1;
    await until('the stream to wait', async () => {
      const still = made === before;
      before = made;
      return still && made > 0;
    });
    return made;
  };

  it('makes no more than the sockets take while the browser does not read, and stops when it leaves', async () => {
    made = 0;
    const answer = await ask();
    expect(answer.statusCode).to.equal(200);
    expect(answer.headers['content-length']).to.equal(String(size));
    answer.pause();
    // Buffers of the kernel and of both ends: megabytes, whatever the size of the film.
    expect(await settled()).to.be.lessThan(32 * 1024 * 1024);
    answer.destroy();
    await until('the source to be closed', async () => opened?.destroyed === true);
    expect(made).to.be.lessThan(64 * 1024 * 1024);
  });

  it('seeks to the last megabyte without passing what is before it', async () => {
    made = 0;
    const from = size - 1024 * 1024;
    const answer = await ask({ range: `bytes=${from}-` });
    expect(answer.statusCode).to.equal(206);
    expect(answer.headers['content-range']).to.equal(`bytes ${from}-${size - 1}/${size}`);
    let read = 0;
    for await (const chunk of answer) read += (chunk as Buffer).length;
    expect([read, made]).to.deep.equal([1024 * 1024, 1024 * 1024]);
  });
});
