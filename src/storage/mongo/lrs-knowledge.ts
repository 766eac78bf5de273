import { Schema } from 'mongoose';
import type { NewStatement } from '../../lrs/store.ts';
import { mergeDefinitions } from '../../xapi/objects.ts';
import { fromWellFormed, toWellFormed, wellFormed } from '../../xapi/terms.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface ActivityRow {
  _id: string;
  definition: string;
}
interface AgentRow {
  /** identityOf(agent), well-formed. */
  _id: string;
  names: string[];
}

const activitySchema = new Schema(
  { _id: { type: String, required: true }, definition: String },
  { versionKey: false, collection: 'lrs_activities' },
);
const agentSchema = new Schema(
  { _id: { type: String, required: true }, names: [String] },
  { versionKey: false, collection: 'lrs_agents' },
);

const most = 100_000;

/** What the LRS has learnt of Activities and agents from Statements. Written once they are decided: merging repeats harmlessly, so whoever completes a crashed batch does it again. */
export async function createKnowledge(connection: Connection) {
  const activities = connection.model<ActivityRow>('LrsActivity', activitySchema as never);
  const agents = connection.model<AgentRow>('LrsAgent', agentSchema as never);
  await activities.createCollection();
  await agents.createCollection();
  const seen = new Map<string, string>();
  const keep = (key: string, value: string): void => {
    if (seen.size > most) seen.clear();
    seen.set(key, value);
  };

  const define = async (activityId: string, definition: string): Promise<void> => {
    for (;;) {
      const before = await activities.findOne({ _id: activityId }).lean<ActivityRow | null>();
      const merged = mergeDefinitions(before?.definition ?? null, definition);
      if (merged === before?.definition) return;
      if (before) {
        const { matchedCount } = await activities.updateOne(
          { _id: activityId, definition: before.definition },
          { $set: { definition: merged } },
        );
        if (matchedCount === 1) return;
        continue;
      }
      try {
        await activities.create({ _id: activityId, definition: merged });
        return;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }
  };

  return {
    async learn(statement: Pick<NewStatement, 'definitions' | 'agentNames'>): Promise<void> {
      for (const { activityId, mark, text } of statement.definitions) {
        if (seen.get(`d ${activityId}`) === mark) continue;
        await define(activityId, text());
        keep(`d ${activityId}`, mark);
      }
      for (const { identity, name } of statement.agentNames) {
        const memo = `n ${identity}\n${name}`;
        if (seen.has(memo)) continue;
        await agents.updateOne(
          { _id: wellFormed(identity) },
          { $addToSet: { names: toWellFormed(name) } },
          { upsert: true },
        );
        keep(memo, '');
      }
    },
    async definitions(activityIds: string[]): Promise<Map<string, string>> {
      const rows = await activities.find({ _id: { $in: activityIds } }).lean<ActivityRow[]>();
      return new Map(rows.map((row) => [row._id, row.definition]));
    },
    async forget(identity: string): Promise<void> {
      await agents.deleteOne({ _id: wellFormed(identity) });
      seen.clear();
    },
    async agentNames(identity: string): Promise<string[]> {
      const row = await agents.findOne({ _id: wellFormed(identity) }).lean<AgentRow | null>();
      return (row?.names ?? []).slice(0, 100).map(fromWellFormed);
    },
  };
}

export type Knowledge = Awaited<ReturnType<typeof createKnowledge>>;
