import type { FrameConfiguration } from '../runtime/frame-page.ts';
import type { ItemProgress } from '../runtime/runtime.ts';
import type { PackageItem } from '../types.ts';
import { createLocks } from '../runtime/locks.ts';
import { createRuntimeClient, LaunchExpired, Refused } from './api-client.ts';
import { impliedBy, withObjectiveIds } from './cmi/commit.ts';
import { loadEngine } from './cmi/engine.ts';
import { Ledger } from './cmi/ledger.ts';
import { model12 } from './cmi/model-12.ts';
import { model2004 } from './cmi/model-2004.ts';
import { RuntimeSession, surface12, surface2004 } from './cmi/runtime.ts';
import { CommitQueue } from './commit-queue.ts';
import { createPreview, noPreview } from './preview.ts';
import { createFrameStage, type Stage, type StageHooks } from './stage.ts';
import type { NavigationRequest, Sequencing } from './sequencing/sequencing.ts';
import type { Facts } from './sequencing/definition.ts';
import type { TocEntry, ToFrame, ToPortal } from './messages.ts';
import { allItems, launchable, tocOf, whereToBegin } from './toc.ts';
import { createWindowStage } from './window-stage.ts';
import { restWords, windowWords } from './window-words.ts';

/** Changes are committed so soon after they were made, also when content never asks for a commit. */
const autosave = 2000;

interface Opened {
  item: PackageItem;
  session: RuntimeSession | null;
  /** Nothing counts any more: the course's policy on attempts. */
  review: boolean;
}

/** The launch frame's work: opens items one after another, is their run-time API, carries their data to the server. */
export function createContentFrame(configuration: FrameConfiguration): { start(): Promise<void> } {
  const { items, portalOrigin, browse } = configuration;
  const standard = configuration.standard === 'scorm-1.2' ? '1.2' : '2004';
  const client = createRuntimeClient(configuration.token);
  const content = document.getElementById('content') as HTMLIFrameElement;
  const order = launchable(items);
  const language = configuration.language === 'en' ? 'en' : 'zh-TW';
  // Asked for at once, needed when the first item opens.
  const engine = loadEngine(standard);
  let progress = new Map<string, ItemProgress>();
  let opened: Opened | null = null;
  let opening: Promise<void> = Promise.resolve();
  let goingAway = false;
  let leaving = false;
  let sequencing: Sequencing | null = null;
  /** The learner has asked for something: what content asks for while it says goodbye comes too late. */
  let navigating = false;
  let savedTree = '';

  // Content climbs from parent to parent in search of its API. Beyond this frame is the portal's origin, where looking
  // throws: for content the climb ends here.
  const portal = window.parent;
  Object.defineProperty(window, 'parent', { value: window, configurable: true });

  const tell = (message: ToPortal): void => portal.postMessage(message, portalOrigin);

  const queue = new CommitQueue({
    storage: storageOf(window),
    registration: configuration.registration,
    launchId: configuration.launchId,
    async send(commits, from) {
      try {
        const answer = await client.commit(commits, from, browse ? preview.states : undefined);
        setProgress(answer.progress);
        if (answer.rehearsal) preview.rehearsed(answer.rehearsal);
        return answer;
      } catch (error) {
        if (error instanceof LaunchExpired) return null;
        throw error;
      }
    },
    beacon: (commits) => client.beacon(commits),
    onState: (state) => tell({ zhixing: 'saving', state }),
    later: (act, milliseconds) => void setTimeout(act, milliseconds),
  });

  const setProgress = (list: ItemProgress[]): void => {
    progress = new Map(list.map((one) => [one.item, one]));
    showToc();
  };
  const at = (): number => (opened ? order.indexOf(opened.item) : -1);
  const showToc = (): void => {
    tell({
      zhixing: 'toc',
      entries: tocOf(
        sequencing ? withRoot(sequencing) : items,
        progress,
        opened?.item.identifier ?? null,
        (item) => ({ open: mayOpen(item), locked: lockOf(item) }),
        sequencing,
      ),
      previous: may('previous'),
      next: may('continue'),
      title: opened?.item.title ?? configuration.title,
      review: opened?.review ?? false,
    });
  };
  const locks = standard === '1.2' ? createLocks(items) : () => null;
  const lockOf = (item: PackageItem): TocEntry['locked'] => {
    if (item.identifier === opened?.item.identifier) return null;
    if (sequencing) return sequencing.allows('choice', item.identifier) ? null : 'sequence';
    return locks(item.identifier, (id) => progress.get(id)?.status);
  };
  // A vendor's preview says what would be locked, and opens it all the same.
  const mayOpen = (item: PackageItem): boolean => (browse && !sequencing) || lockOf(item) === null;
  const orderedTo = (step: 1 | -1): PackageItem | undefined => {
    const next = at() >= 0 ? order[at() + step] : undefined;
    return next && mayOpen(next) ? next : undefined;
  };
  const may = (request: 'continue' | 'previous'): boolean => {
    if (opened?.item.hideLmsUi?.includes(request)) return false;
    if (sequencing) return sequencing.allows(request);
    return orderedTo(request === 'previous' ? -1 : 1) !== undefined;
  };

  /** By sequencing a cluster, or the whole course, can be chosen too: what opens is in it. */
  const choosable = (): PackageItem[] => (sequencing ? allItems(withRoot(sequencing)) : order);
  const withRoot = ({ root }: Sequencing): PackageItem[] => [
    {
      identifier: root,
      title: configuration.title,
      visible: true,
      href: null,
      kind: 'cluster',
      children: items,
    },
  ];

  const preview = browse ? createPreview((lines) => tell({ zhixing: 'trace', lines })) : noPreview;

  const stageHooks: StageHooks = {
    activity: () => tell({ zhixing: 'activity' }),
    visible(visible) {
      tell({ zhixing: 'visibility', visible });
      if (!visible) opened?.session?.flush();
    },
    wantsWindow: () =>
      inTurn(async () => {
        const item = opened?.item;
        if (!item) return;
        await closeItem();
        stage = ownWindow();
        await openItem(item);
      }),
  };
  const ownWindow = (): Stage => {
    content.hidden = true;
    return createWindowStage(
      `zhixing-${configuration.launchId}`,
      document.getElementById('own-window') as HTMLElement,
      windowWords[language],
      {
        ...stageHooks,
        reopen: () =>
          inTurn(async () => {
            if (opened) await openItem(opened.item);
          }),
      },
    );
  };
  const frameStage = createFrameStage(content, stageHooks);
  let stage: Stage = configuration.window === 'popup' ? ownWindow() : frameStage;

  /** Puts the API where content looks for it: on the parent window of its frame. */
  const publish = (session: RuntimeSession): void => {
    const target = window as unknown as Record<string, unknown>;
    delete target['API'];
    delete target['API_1484_11'];
    if (standard === '1.2') target['API'] = surface12(session);
    else target['API_1484_11'] = surface2004(session);
  };

  const openItem = async (item: PackageItem): Promise<void> => {
    await closeItem();
    // What the last item still has under way belongs to what the next one reads (objectives, the table of contents).
    await Promise.race([queue.drain(), new Promise((resolve) => setTimeout(resolve, 5000))]);
    const start = await untilOpened(item.identifier);
    queue.resume(item.identifier, start.sequence);
    opened = { item, session: null, review: start.mode === 'review' };
    showRest(null);
    preview.opens(item);
    if (item.kind === 'asset') queue.add({ item: item.identifier, set: [], visited: true });
    // Pages declared as assets call the API all the same, by mistake or on purpose (ADL's test package SX-08a).
    if (item.kind === 'sco' || configuration.standard.startsWith('scorm')) {
      const makeEngine = await engine;
      const fromTree = sequencing?.opened() ?? {};
      // What a review shows was reached before; nothing new is tracked.
      const review = start.mode === 'review';
      if (review) for (const [element, value] of Object.entries(start.seed)) sequencing?.set(element, value);
      const seed = { ...start.seed, ...fromTree, ...preview.stores(item) };
      const ledger = new Ledger(standard === '1.2' ? model12 : model2004, seed, start.access);
      const { rules } = start;
      let started = false;
      let timer: ReturnType<typeof setTimeout> | null = null;
      const session: RuntimeSession = new RuntimeSession(
        standard,
        { ledger, rules, engine: makeEngine(seed) },
        {
          started() {
            started = true;
            queue.add({ item: item.identifier, start: true, set: [] });
          },
          changed(element, value) {
            if (!review) sequencing?.set(element, value);
            preview.changed(item, element, value);
            timer ??= setTimeout(() => {
              timer = null;
              session.flush();
            }, autosave);
          },
          commit(end) {
            const set = ledger.takeChanges();
            if (set.length === 0 && !end) return;
            if (!started) return;
            const wanted =
              end && standard === '2004' ? (ledger.value('adl.nav.request') ?? '_none_') : '_none_';
            // SN 4.5.4, suspendAll (and so 離開課程 and a closed tab): the attempt is suspended whatever the SCO says.
            const suspends =
              standard === '2004' &&
              (leaving || goingAway || stage.closing() || (wanted === 'suspendAll' && !navigating));
            queue.add({
              item: item.identifier,
              set: withObjectiveIds(
                set.filter(([name]) => name !== 'adl.nav.request'),
                ledger,
              ),
              ...(end ? { end: { exit: suspends ? 'suspend' : end.exit } } : {}),
            });
            if (sequencing) {
              if (end && suspends) sequencing.set('cmi.exit', 'suspend');
              // SN 4.5.5: of an abandoned attempt nothing is tracked.
              if (/^abandon/.test(wanted) && !navigating) sequencing.forget();
              else sequencing.learn((n) => ledger.value(`cmi.objectives.${n}.id`));
              saveSequencing();
            }
            if (goingAway) queue.sendByBeacon();
            const asked = wanted === '_none_' ? impliedBy(standard, end?.exit) : wanted;
            if (end && asked && !navigating && !leaving && !goingAway) inTurn(() => navigate(asked));
          },
          navigation: (element) => answerNavigation(element),
          traced: ({ call, arguments: given, result, error }) =>
            preview.trace({
              kind: 'call',
              text: `${call}(${given.map((one) => JSON.stringify(one.slice(0, 200))).join(', ')}) → ${JSON.stringify(result.slice(0, 200))}`,
              error,
            }),
        },
      );
      opened.session = session;
      publish(session);
    }
    await stage.show(address(configuration.filesPath, item.href ?? ''));
    showToc();
  };

  const untilOpened = async (item: string): ReturnType<typeof client.open> => {
    for (let wait = 1000; ; wait = Math.min(wait * 2, 15_000)) {
      try {
        return await client.open(item);
      } catch (error) {
        tell({ zhixing: 'saving', state: error instanceof LaunchExpired ? 'expired' : 'offline' });
        if (error instanceof LaunchExpired || error instanceof Refused) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  };

  /** What the learner reads where there is no content; null: there is. */
  const showRest = (why: 'begin' | 'choose' | 'ended' | null): void => {
    const rest = document.getElementById('rest') as HTMLElement;
    rest.hidden = why === null;
    rest.textContent = why === null ? '' : restWords[language][why];
    content.hidden = why !== null || stage !== frameStage;
    if (stage !== frameStage) (document.getElementById('own-window') as HTMLElement).hidden = why !== null;
  };

  const closeItem = async (): Promise<void> => {
    if (!opened) return;
    await stage.clear();
    // Content that did not say goodbye: what it has set is kept, and its next opening resumes.
    opened.session?.flush();
    opened = null;
  };

  /** adl.nav.request_valid.* without a tree: the order of the table of contents. */
  const answerNavigation = (element: string): string => {
    if (sequencing) return sequencing.answer(element);
    const named = /\.(?:choice|jump)\.\{target=(.+)\}$/.exec(element);
    if (named) return String(order.some((item) => item.identifier === named[1]));
    if (element.endsWith('.continue')) return String(may('continue'));
    return element.endsWith('.previous') ? String(may('previous')) : 'unknown';
  };

  const saveSequencing = (): void => {
    if (!sequencing || browse) return;
    const tree = sequencing.save();
    if (tree === savedTree) return;
    savedTree = tree;
    const globals = sequencing
      .takeGlobals()
      .map(([target, facts]): [string, string] => [`objective.${target}`, JSON.stringify(facts)]);
    queue.add({ item: '', set: [['tree', tree], ['attempt', String(sequencing.attempt)], ...globals] });
  };

  /** A navigation request of the content or of the learner: `continue`, `{target=ID}choice` … (SN 5.6.4). */
  const navigate = async (text: string): Promise<void> => {
    const [, target, request = text] = /^\{target=(.+)\}(choice|jump)$/.exec(text) ?? [];
    if (sequencing) {
      // The content says goodbye first: what it sets then decides where the request leads.
      navigating = true;
      try {
        await closeItem();
      } finally {
        navigating = false;
      }
      const outcome = sequencing.request(request as NavigationRequest, target);
      saveSequencing();
      preview.trace({
        kind: 'sequencing',
        text: `${text} → ${outcome.deliver ?? (outcome.ended ? 'end' : 'refused')}`,
      });
      const next = order.find((item) => item.identifier === outcome.deliver);
      if (next) await openItem(next);
      else {
        showToc();
        showRest(outcome.ended ? 'ended' : 'choose');
        if (outcome.ended) tell({ zhixing: 'ended' });
      }
      return;
    }
    const next =
      target !== undefined
        ? order.find((item) => item.identifier === target)
        : request === 'continue'
          ? orderedTo(1)
          : request === 'previous'
            ? orderedTo(-1)
            : undefined;
    if (next) await openItem(next);
    else if (request !== 'continue' && request !== 'previous') {
      await closeItem();
      showToc();
      showRest('ended');
      tell({ zhixing: 'ended' });
    }
  };

  const inTurn = (act: () => Promise<void>): void => {
    opening = opening.then(act).catch((error: unknown) => {
      if (!(error instanceof LaunchExpired)) tell({ zhixing: 'problem', problem: 'open' });
    });
  };
  const goTo = (item: PackageItem | undefined): void => {
    if (!item || item === opened?.item || !mayOpen(item)) return;
    inTurn(() => navigate(`{target=${item.identifier}}choice`));
  };

  const leave = async (): Promise<void> => {
    leaving = true;
    await closeItem();
    if (sequencing) {
      sequencing.request('suspendAll');
      saveSequencing();
    }
    stage.end();
    await Promise.race([queue.drain(), new Promise((resolve) => setTimeout(resolve, 5000))]);
    if (!queue.empty) queue.sendByBeacon();
    tell({ zhixing: 'left' });
  };

  const onMessage = (event: MessageEvent): void => {
    if (event.origin !== portalOrigin || event.source !== portal) return;
    const message = event.data as ToFrame;
    if (message.zhixing === 'open') goTo(choosable().find((item) => item.identifier === message.item));
    if (message.zhixing === 'previous' && may('previous')) inTurn(() => navigate('previous'));
    if (message.zhixing === 'next' && may('continue')) inTurn(() => navigate('continue'));
    if (message.zhixing === 'leave') inTurn(leave);
  };

  /** Where the tree begins: where it was suspended, else at its start, else (a tree without flow) by choice. */
  const beginSequencing = async (first: PackageItem | undefined): Promise<PackageItem | undefined> => {
    const engine = await import('./sequencing/sequencing.ts');
    if (!engine.isSequenced(items, configuration.extra)) return first;
    const kept = await untilOpened('');
    queue.resume('', kept.sequence);
    const { tree = null, attempt: _attempt, ...rest } = kept.seed;
    const globals = Object.fromEntries(
      Object.entries(rest).flatMap(([name, json]) =>
        name.startsWith('objective.') ? [[name.slice('objective.'.length), JSON.parse(json) as Facts]] : [],
      ),
    );
    sequencing = new engine.Sequencing(items, configuration.extra, tree, globals);
    let deliver = sequencing.begin();
    // A tree without flow begins where the learner says (SB.2.5), unless there is only one place.
    const only = order.length === 1 ? order[0] : undefined;
    if (!deliver && only) deliver = sequencing.request('choice', only.identifier).deliver;
    saveSequencing();
    return order.find((item) => item.identifier === deliver);
  };

  return {
    async start() {
      window.addEventListener('message', onMessage);
      const goAway = (): void => {
        opened?.session?.flush();
        queue.sendByBeacon();
      };
      window.addEventListener('pagehide', (event) => {
        goingAway = true;
        goAway();
        if (!event.persisted) stage.end();
      });
      window.addEventListener('pageshow', () => (goingAway = false));
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'hidden') goAway();
      });
      window.addEventListener('online', () => void queue.drain());
      tell({ zhixing: 'ready' });
      inTurn(async () => {
        // Nothing is read before what earlier windows could not send has arrived; without a network there is no reading.
        for (let wait = 1000; ; wait = Math.min(wait * 2, 15_000)) {
          try {
            await queue.sendLeftovers();
            setProgress(await client.progress());
            break;
          } catch (error) {
            tell({ zhixing: 'saving', state: error instanceof LaunchExpired ? 'expired' : 'offline' });
            if (error instanceof LaunchExpired) throw error;
            await new Promise((resolve) => setTimeout(resolve, wait));
          }
        }
        const first = order.find((item) => item.identifier === whereToBegin(items, progress, mayOpen));
        const begun = standard === '2004' ? await beginSequencing(first) : first;
        if (begun) await openItem(begun);
        else {
          showToc();
          showRest('begin');
        }
      });
    },
  };
}

/** The origin's storage; a browser that forbids it (third-party data blocked) leaves memory and the beacon. */
function storageOf(of: Window): Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'> {
  try {
    return of.localStorage;
  } catch {
    return {
      length: 0,
      key: () => null,
      getItem: () => null,
      setItem: () => undefined,
      removeItem: () => undefined,
    };
  }
}

/** The address of a file: each segment of the path escaped, query and fragment as the manifest wrote them. */
export function address(filesPath: string, href: string): string {
  const [, path = '', rest = ''] = /^([^?#]*)(.*)$/s.exec(href) ?? [];
  return `${filesPath}${path.split('/').map(encodeSegment).join('/')}${rest}`;
}
/** A manifest may have escaped the path already. */
const encodeSegment = (segment: string): string => {
  try {
    return encodeURIComponent(decodeURIComponent(segment));
  } catch {
    return encodeURIComponent(segment);
  }
};
