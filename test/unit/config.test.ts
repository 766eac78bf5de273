import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { readConfig } from '../../src/config.ts';

const demo = () => ({ session: 's'.repeat(40), idNumberKey: Buffer.alloc(32) });
const faults = (environment: Record<string, string>): string[] => {
  try {
    readConfig(environment, demo);
  } catch (error) {
    if (isDomainError(error, 'invalid')) return error.problems.map((problem) => problem.path).toSorted();
    throw error;
  }
  return [];
};
const production = {
  NODE_ENV: 'production',
  PUBLIC_ORIGIN: 'https://learn.example.org',
  CONTENT_ORIGIN: 'https://{package}.content.example.org',
  SESSION_SECRET: 'x'.repeat(32),
  ID_NUMBER_KEY: '0f'.repeat(32),
};

describe('configuration', () => {
  it('needs nothing in demo mode, and listens on loopback', () => {
    const config = readConfig({}, demo);
    expect(config).to.include({
      mode: 'demo',
      host: '127.0.0.1',
      port: 8080,
      publicOrigin: 'http://localhost:8080',
      contentOrigin: 'http://127.0.0.1:8080',
      mongodbUri: null,
      sqliteSync: 'full',
    });
  });

  it('refuses to open demo mode to the network', () => {
    expect(faults({ HOST: '0.0.0.0' })).to.deep.equal(['HOST']);
    expect(faults({ HOST: '127.0.0.2' })).to.deep.equal([]);
  });

  it('names every missing production setting at once', () => {
    expect(faults({ NODE_ENV: 'production' })).to.deep.equal([
      'CONTENT_ORIGIN',
      'ID_NUMBER_KEY',
      'PUBLIC_ORIGIN',
      'SESSION_SECRET',
    ]);
  });

  it('reports malformed settings together with missing ones', () => {
    expect(
      faults({ NODE_ENV: 'production', PORT: '99999', MONGODB_URI: 'postgres://x', ID_NUMBER_KEY: 'short' }),
    ).to.deep.equal([
      'CONTENT_ORIGIN',
      'ID_NUMBER_KEY',
      'MONGODB_URI',
      'PORT',
      'PUBLIC_ORIGIN',
      'SESSION_SECRET',
    ]);
  });

  it('accepts a whole production configuration', () => {
    const config = readConfig(production, () => {
      throw new Error('production never makes secrets for itself');
    });
    expect(config).to.include({ mode: 'production', host: '0.0.0.0' });
    expect(config.secrets.idNumberKey).to.have.length(32);
  });

  it('wants the content on an origin of its own', () => {
    expect(faults({ ...production, CONTENT_ORIGIN: production.PUBLIC_ORIGIN })).to.deep.equal([
      'CONTENT_ORIGIN',
    ]);
    expect(faults({ ...production, CONTENT_ORIGIN: 'https://content.example.org/path' })).to.deep.equal([
      'CONTENT_ORIGIN',
    ]);
  });

  it('wants key and secret of the LRS together', () => {
    expect(faults({ LRS_KEY: 'k' })).to.deep.equal(['LRS_SECRET']);
    expect(faults({ LRS_SECRET: 'long-enough' })).to.deep.equal(['LRS_KEY']);
  });

  it('takes an empty setting for an absent one', () => {
    expect(readConfig({ PORT: '', MONGODB_URI: '' }, demo)).to.include({ port: 8080, mongodbUri: null });
  });

  it('says nothing of a secret in its faults', () => {
    try {
      readConfig({ SESSION_SECRET: 'too-short-secret' }, demo);
      expect.fail('accepted');
    } catch (error) {
      expect(String(error)).to.include('SESSION_SECRET').and.not.include('too-short-secret');
    }
  });
});
