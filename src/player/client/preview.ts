import type { Statement } from '../../xapi/types.ts';
import type { ItemState } from '../runtime/item-state.ts';
import type { PackageItem } from '../types.ts';
import type { TraceLine } from './messages.ts';

/** What a vendor's preview keeps in its page, because nothing of it is kept anywhere else. */
export interface Preview {
  readonly states: Record<string, ItemState>;
  /** The item is opened anew: every opening in a preview is its first. */
  opens(item: PackageItem): void;
  /** The server's answer: what the commits would have come to. */
  rehearsed(rehearsal: { states: Record<string, ItemState>; statements: Statement[] }): void;
  /** A value was set: data stores (`adl.data`) are read by the next item. */
  changed(item: PackageItem, element: string, value: string): void;
  /** The data stores as earlier items of this preview left them. */
  stores(item: PackageItem): Record<string, string>;
  trace(line: Omit<TraceLine, 'at' | 'error'> & { error?: number }): void;
}

/** For lessons that are no preview. */
export const noPreview: Preview = {
  states: {},
  opens: () => undefined,
  rehearsed: () => undefined,
  changed: () => undefined,
  stores: () => ({}),
  trace: () => undefined,
};

/** `tell` gets the debug panel's lines, a quarter of a second's worth at a time. */
export function createPreview(tell: (lines: TraceLine[]) => void): Preview {
  const stores = new Map<string, string>();
  let states: Record<string, ItemState> = {};
  let lines: TraceLine[] = [];
  const trace: Preview['trace'] = (line) => {
    if (lines.length === 0)
      setTimeout(() => {
        tell(lines);
        lines = [];
      }, 250);
    lines.push({ at: new Date().toISOString(), error: 0, ...line });
  };
  return {
    get states() {
      return states;
    },
    opens({ identifier }) {
      states = Object.fromEntries(Object.entries(states).filter(([item]) => item !== identifier));
    },
    rehearsed(rehearsal) {
      states = rehearsal.states;
      for (const statement of rehearsal.statements)
        trace({ kind: 'statement', text: sentence(statement), detail: JSON.stringify(statement, null, 2) });
    },
    changed(item, element, value) {
      const index = /^adl\.data\.(\d+)\.store$/.exec(element)?.[1];
      const map = index === undefined ? undefined : item.sharedData?.[Number(index)];
      if (map) stores.set(map.targetId, value);
    },
    stores: (item) =>
      Object.fromEntries(
        (item.sharedData ?? []).flatMap(({ targetId, read }, n) => {
          const value = stores.get(targetId);
          return value === undefined || !read ? [] : [[`adl.data.${n}.store`, value]];
        }),
      ),
    trace,
  };
}

/** `scored 根 (0.9)`: verb, object, score. */
function sentence({ verb, object, result }: Statement): string {
  const name = 'definition' in object ? Object.values(object.definition?.name ?? {})[0] : undefined;
  const id = 'id' in object ? object.id : '';
  const scaled = result?.score?.scaled ?? result?.score?.raw;
  const word = verb.id.split('/').at(-1) ?? verb.id;
  const about = name ?? id.split('/').slice(-2).join('/');
  return `${word} ${about}${scaled === undefined ? '' : ` (${scaled})`}`;
}
