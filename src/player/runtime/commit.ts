import { z } from 'zod';
import { itemStateSchema } from './item-state.ts';

/** Largest value of one element, in characters: beyond every standard's minimum and what real packages send. */
const longestValue = 1_000_000;

/**
 * One step of an item's run-time data, as the frame sends it: what was set since the step before. Steps of a launch on an
 * item are numbered from 1 without gaps, so that sending one again changes nothing and a missing one is noticed.
 */
export const commitSchema = z.object({
  item: z.string().max(4000),
  sequence: z.number().int().min(1),
  /** The content has called Initialize: the first step of an attempt or of its resumption. */
  start: z.boolean().optional(),
  /** In the order they were set. */
  set: z.array(z.tuple([z.string().max(4000), z.string().max(longestValue)])).max(20_000),
  /** The value is a piece: joined to the pieces of the partial steps before it. */
  append: z.boolean().optional(),
  /** More steps follow that belong to this one; nothing of it shows until the last is here. */
  partial: z.boolean().optional(),
  /** The content has called Terminate with this value of (core.)exit. */
  end: z.object({ exit: z.string().max(20) }).optional(),
  /** An asset was shown: it has no run-time data, to have been opened is all there is to know. */
  visited: z.boolean().optional(),
});
export type Commit = z.output<typeof commitSchema>;

export const commitRequestSchema = z.object({
  token: z.string().max(200),
  commits: z.array(commitSchema).min(1).max(500),
  /** The launch that these commits were made in, when it could not send them itself any more. */
  from: z.uuid().optional(),
  /** A preview's states of these items before the commits. */
  preview: z.record(z.string().max(4000), itemStateSchema).optional(),
});

/** Where a commit has led to, per item: the last step that is durably kept. */
export interface Acknowledgement {
  item: string;
  sequence: number;
}
