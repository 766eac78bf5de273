import { expect } from 'chai';
import mongoose from 'mongoose';
import { isDomainError } from '../../src/base/errors.ts';
import { whenAvailable } from '../../src/storage/mongo/availability.ts';

const { MongoServerError, MongoNetworkError, MongoServerSelectionError } = mongoose.mongo;
const failing = (error: Error) =>
  whenAvailable({ nested: { ask: () => Promise.reject(error) } })
    .nested.ask()
    .catch((caught: unknown) => caught);

describe('a MongoDB that cannot answer just now', () => {
  it('is unavailable, to be tried again: no connection, no server, no primary, no majority', async () => {
    const errors: Error[] = [
      new MongoNetworkError('connection 1 to 127.0.0.1:27017 closed'),
      new MongoServerSelectionError('no primary', {} as never),
      ...[91, 189, 10107, 11600, 11602, 13436, 64, 133].map(
        (code) => new MongoServerError({ message: 'not primary', code }),
      ),
    ];
    for (const error of errors) {
      const shown = await failing(error);
      expect(isDomainError(shown, 'unavailable'), `${error.name} ${error.message}`).to.equal(true);
      expect(shown).to.include({ retryAfter: 5, cause: error });
    }
  });

  it('is not what a refused write or a fault of ours is', async () => {
    for (const error of [new MongoServerError({ message: 'E11000', code: 11000 }), new TypeError('x')])
      expect(await failing(error)).to.equal(error);
  });

  it('leaves values and answers as they are', async () => {
    const port = whenAvailable({ name: 'port', ask: async () => 7, plain: () => 8 });
    expect([port.name, await port.ask(), port.plain()]).to.deep.equal(['port', 7, 8]);
  });
});
