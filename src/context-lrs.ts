import type { Clock } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import { createSealer } from './base/sealing.ts';
import type { Config } from './config.ts';
import { createErasures } from './lrs/admin/erasure.ts';
import { createForwarding, forwardingSealUse, type ForwardingOptions } from './lrs/admin/forwarding.ts';
import { createRejectionLog } from './lrs/admin/rejections.ts';
import { createCredentials } from './lrs/credentials.ts';
import { createStatementDoor } from './lrs/door.ts';
import { createLrsHandler } from './lrs/handler.ts';
import { createDocumentDoor } from './lrs/resource-documents.ts';
import type { StatementGuard } from './lrs/types.ts';
import type { Storage } from './storage/open.ts';

export interface LrsWiring {
  config: Config;
  storage: Storage;
  clock: Clock;
  logger: Logger;
  /** Something new was stored: the feed's kick. */
  onStored: () => void;
  /** Asked before anything is stored. */
  guards: readonly StatementGuard[];
  /** What may not be forwarded. */
  held: NonNullable<ForwardingOptions['held']>;
}

/** The wiring of the Learning Record Store: its doors for the house, its handler for the world, its administration. */
export function createLrs({ config, storage, clock, logger, onStored, guards, held }: LrsWiring) {
  const { lrs: stores } = storage;
  const door = createStatementDoor({ store: stores.statements, clock, guards, onStored });
  const credentials = createCredentials({
    store: stores.credentials,
    clock,
    homePage: config.publicOrigin,
  });
  const rejections = createRejectionLog(stores.admin, clock, logger);
  return {
    door,
    documents: createDocumentDoor(stores.documents, clock),
    credentials,
    rejections,
    handler: createLrsHandler({
      stores,
      door,
      credentials,
      rateCounters: storage.rateCounters,
      clock,
      logger,
      limits: config.limits,
      onRejected: (rejection) => rejections.note(rejection),
    }),
    forwarding: createForwarding({
      statements: stores.statements,
      attachments: stores.attachments,
      store: stores.admin,
      sealer: createSealer(config.secrets.idNumberKey, forwardingSealUse),
      held,
      clock,
      logger,
    }),
    erasures: createErasures({
      statements: stores.statements,
      documents: stores.documents,
      personas: stores.personas,
      store: stores.admin,
      clock,
    }),
  };
}
