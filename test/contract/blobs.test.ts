import { Readable } from 'node:stream';
import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { onEveryEngine } from '../support/engines.ts';

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks);
}

onEveryEngine('BlobStore', ({ storage, reopen }) => {
  const blobs = () => storage().blobs;
  const keys = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of blobs().list(prefix)) found.push(key);
    return found;
  };
  const large = Buffer.from(Array.from({ length: 700_000 }, (_, n) => (n * 7 + (n >> 8)) & 255));

  it('gives back what was put, from memory and from a stream, over a restart', async () => {
    expect(await blobs().put('a/1', large)).to.deep.equal({ key: 'a/1', size: large.length });
    await blobs().put('a/2', Readable.from([large.subarray(0, 300_000), large.subarray(300_000)]));
    await reopen();
    expect((await bytesOf(await blobs().read('a/1'))).equals(large)).to.equal(true);
    expect((await bytesOf(await blobs().read('a/2'))).equals(large)).to.equal(true);
    expect(await blobs().stat('a/2')).to.deep.equal({ key: 'a/2', size: large.length });
  });

  it('reads any range, both ends included', async () => {
    const range = async (start?: number, end?: number) =>
      bytesOf(
        await blobs().read('a/1', {
          ...(start === undefined ? {} : { start }),
          ...(end === undefined ? {} : { end }),
        }),
      );
    expect((await range(0, 0)).equals(large.subarray(0, 1))).to.equal(true);
    expect((await range(261_119, 261_121)).equals(large.subarray(261_119, 261_122))).to.equal(true);
    expect((await range(699_998)).equals(large.subarray(699_998))).to.equal(true);
    expect((await range(undefined, 4)).equals(large.subarray(0, 5))).to.equal(true);
    expect((await range(699_999, 800_000)).equals(large.subarray(699_999))).to.equal(true);
  });

  it('keeps an empty file', async () => {
    await blobs().put('empty', new Uint8Array(0));
    expect(await blobs().stat('empty')).to.deep.equal({ key: 'empty', size: 0 });
    expect((await bytesOf(await blobs().read('empty'))).length).to.equal(0);
  });

  it('says not-found for what is not there', async () => {
    expect(await blobs().stat('none')).to.equal(null);
    const error = await blobs()
      .read('none')
      .catch((e: unknown) => e);
    expect(isDomainError(error, 'not-found')).to.equal(true);
    await blobs().delete('none');
  });

  it('a stream that fails leaves nothing, and leaves what was there before', async () => {
    const failing = (): Readable =>
      Readable.from(
        (async function* () {
          yield large;
          throw new Error('cut off');
        })(),
      );
    expect(
      (await blobs()
        .put('broken', failing())
        .catch((e: unknown) => e)) instanceof Error,
    ).to.equal(true);
    expect(await blobs().stat('broken')).to.equal(null);
    await blobs().put('kept', Buffer.from('old'));
    await blobs()
      .put('kept', failing())
      .catch(() => undefined);
    expect((await bytesOf(await blobs().read('kept'))).toString()).to.equal('old');
    expect((await keys('')).filter((key) => key.includes('incoming'))).to.deep.equal([]);
  });

  it('replaces a blob, and two writers leave one of the two, whole', async () => {
    await blobs().put('r', Buffer.from('one'));
    await blobs().put('r', Buffer.from('second'));
    expect((await bytesOf(await blobs().read('r'))).toString()).to.equal('second');
    const bodies = [Buffer.alloc(600_000, 'a'), Buffer.alloc(500_000, 'b')];
    await Promise.all(bodies.map((body) => blobs().put('r', body)));
    const kept = await bytesOf(await blobs().read('r'));
    expect(bodies.some((body) => body.equals(kept))).to.equal(true);
    expect(await keys('r')).to.deep.equal(['r']);
  });

  it('lists by prefix in order and deletes by prefix, leaving neighbours', async () => {
    for (const key of ['p/1/2', 'p/1/1', 'p/1/10', 'p/12/1', 'q/1']) await blobs().put(key, Buffer.from('x'));
    expect(await keys('p/')).to.deep.equal(['p/1/1', 'p/1/10', 'p/1/2', 'p/12/1']);
    expect(await keys('p/1/1')).to.deep.equal(['p/1/1', 'p/1/10']);
    expect(await blobs().deletePrefix('p/1/')).to.equal(3);
    expect(await keys('p/')).to.deep.equal(['p/12/1']);
    await blobs().delete('p/12/1');
    expect(await keys('p/')).to.deep.equal([]);
    expect(await keys('q/')).to.deep.equal(['q/1']);
    expect(await keys('nothing/')).to.deep.equal([]);
  });

  it('cleans up after writes that died, and takes nothing that is whole', async () => {
    await blobs().put('whole/1', Buffer.from('whole'));
    const later = new Date(Date.now() + 60_000); // files and the driver's ids have the machine's time
    expect(await blobs().cleanUp(later)).to.equal(0);
    expect((await blobs().stat('whole/1'))?.size).to.equal(5);
  });
});
