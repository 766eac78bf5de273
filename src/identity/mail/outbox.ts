import type { Clock } from '../../base/clock.ts';
import { newSortableId } from '../../base/ids.ts';
import type { Mailer } from './mailer.ts';
import type { OutboxStore } from './store.ts';

const kept = 100;

/** Demo mode without a mail server: mails are kept to be looked at under /demo/outbox, and go nowhere. */
export const createOutboxMailer = ({ store, clock }: { store: OutboxStore; clock: Clock }): Mailer => ({
  send: (mail) => store.add({ ...mail, id: newSortableId(), at: clock.now() }, kept),
  close: () => undefined,
});
