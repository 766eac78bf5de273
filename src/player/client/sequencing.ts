import * as scormAgain from 'scorm-again/scorm2004';
import type { PackageItem } from '../types.ts';

export type NavigationRequest =
  | 'start'
  | 'resumeAll'
  | 'continue'
  | 'previous'
  | 'choice'
  | 'jump'
  | 'exit'
  | 'exitAll'
  | 'abandon'
  | 'abandonAll'
  | 'suspendAll';

/** What a request comes to: an item to open, the end of the course, or neither (it is not allowed, nothing happens). */
export interface SequencingOutcome {
  accepted: boolean;
  deliver: string | null;
  ended: boolean;
}

interface Validity {
  continue: boolean;
  previous: boolean;
  choice: Record<string, string>;
  jump: Record<string, string>;
}

/** The part of scorm-again that is used here; its declarations name a default export that its modules do not have. */
interface Engine {
  processNavigationRequest(request: string, target?: string): boolean;
  lmsInitialize(parameter: string): string;
  lmsSetValue(element: string, value: string): string;
  lmsGetValue(element: string): string;
  reset(settings: undefined, options: { preserveListeners: boolean; resetTotalTime: boolean }): void;
  serializeSequencingState(): string;
  deserializeSequencingState(state: string): boolean;
}

/** An item as a node of scorm-again's activity tree. Pure. */
function activity(item: PackageItem): Record<string, unknown> {
  const { attemptAbsoluteDurationLimit: _limit, ...sequencing } = item.sequencing ?? {};
  return {
    // Given in the tree a time limit would block delivery: the SCO reads it as cmi.max_time_allowed (RTE 4.2.14).
    ...sequencing,
    id: item.identifier,
    title: item.title,
    isVisible: item.visible,
    ...(item.completionThreshold ? { completionThreshold: item.completionThreshold } : {}),
    ...(item.hideLmsUi ? { hideLmsUi: item.hideLmsUi } : {}),
    children: item.children.map(activity),
  };
}

/** True when the manifest says anything about sequencing: only then does the tree decide what may be opened. */
export const isSequenced = (items: PackageItem[], extra: Record<string, unknown>): boolean =>
  extra['sequencing'] !== undefined ||
  items.some((item) => item.sequencing !== undefined || isSequenced(item.children, {}));

/**
 * SCORM 2004 sequencing (SN 4) by scorm-again's activity tree: it is told what the SCO sets, asked what a navigation
 * request leads to, and its state is kept with the registration.
 */
export class Sequencing {
  readonly #engine: Engine;
  #delivered: string | null = null;
  #ended = false;
  #validity: Validity = { continue: false, previous: false, choice: {}, jump: {} };

  constructor(items: PackageItem[], extra: Record<string, unknown>, title: string, saved: string | null) {
    const settings = {
      lmsCommitUrl: false,
      autocommit: false,
      logLevel: 5,
      enableOfflineSupport: false,
      sequencing: {
        autoRollupOnCMIChange: false,
        activityTree: {
          ...(extra['sequencing'] as object | undefined),
          id: String(extra['organization'] ?? 'organization'),
          title,
          children: items.map(activity),
        },
        eventListeners: {
          onActivityDelivery: (one: { id: string }) => (this.#delivered = one.id),
          onSequencingSessionEnd: () => (this.#ended = true),
          onNavigationValidityUpdate: (validity: Validity) => (this.#validity = validity),
        },
      },
    };
    this.#engine = new (
      scormAgain as unknown as { Scorm2004API: new (given: object) => Engine }
    ).Scorm2004API(settings);
    if (saved) this.#engine.deserializeSequencingState(saved);
  }

  /** SN 4.3 (navigation behaviour) to 4.8 (delivery). */
  request(request: NavigationRequest, target?: string): SequencingOutcome {
    this.#delivered = null;
    this.#ended = false;
    const accepted = this.#engine.processNavigationRequest(request, target);
    return { accepted, deliver: this.#delivered, ended: this.#ended };
  }

  /** The delivered SCO has called Initialize; gives what the tree knows of its objectives (RTE 4.2.17, SN 3.10). */
  opened(seed: Record<string, string>): Record<string, string> {
    this.#engine.reset(undefined, { preserveListeners: true, resetTotalTime: true });
    this.#engine.lmsInitialize('');
    const known: Record<string, string> = {};
    const count = Number(this.#engine.lmsGetValue('cmi.objectives._count')) || 0;
    for (let n = 0; n < count; n++)
      for (const name of ['id', 'success_status', 'completion_status', 'score.scaled', 'progress_measure']) {
        const element = `cmi.objectives.${n}.${name}`;
        const value = this.#engine.lmsGetValue(element);
        if (value !== '' && value !== 'unknown') known[element] = value;
      }
    // What the last session of the attempt had set counts on.
    for (const [element, value] of Object.entries(seed))
      if (/^cmi\.(completion_status|success_status|progress_measure|score\.|objectives\.)/.test(element))
        this.#engine.lmsSetValue(element, value);
    return known;
  }

  set(element: string, value: string): void {
    if (element.startsWith('cmi.') && !element.startsWith('cmi.interactions.'))
      this.#engine.lmsSetValue(element, value);
  }

  get validity(): Validity {
    return this.#validity;
  }

  /** adl.nav.request_valid.* (SN 5.6.5) */
  answer(element: string): string {
    const named = /^adl\.nav\.request_valid\.(choice|jump)\.\{target=(.+)\}$/.exec(element);
    if (named) return this.#validity[named[1] as 'choice' | 'jump'][named[2] ?? ''] ?? 'unknown';
    const flow = /^adl\.nav\.request_valid\.(continue|previous)$/.exec(element);
    return flow ? String(this.#validity[flow[1] as 'continue' | 'previous']) : 'unknown';
  }

  save(): string {
    return this.#engine.serializeSequencingState();
  }
}
