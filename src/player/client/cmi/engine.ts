/**
 * scorm-again as the run-time of one SCO. It carries out what the guard (ledger.ts, runtime.ts) lets through; nothing that
 * would damage its model reaches it, and where its answer is not the standard's, the guard's holds.
 */
export interface Engine {
  initialize(): void;
  /** What it refuses though the standard allows it, the guard keeps. */
  set(element: string, value: string): void;
  /** Null: it has no answer, or an error. */
  get(element: string): string | null;
  commit(): void;
  terminate(): void;
}

/** The part of scorm-again that is used; its declarations name a default export that its modules do not have. */
interface ScormAgain {
  loadFromFlattenedJSON(values: Record<string, string>): void;
  lmsInitialize(parameter: string): string;
  lmsGetValue(element: string): unknown;
  lmsSetValue(element: string, value: string): string;
  lmsGetLastError(): string;
  lmsCommit(parameter: string): string;
}
interface Scorm12 extends ScormAgain {
  lmsFinish(parameter: string): string;
}
interface Scorm2004 extends ScormAgain {
  lmsTerminate(parameter: string): string;
}

/** Every setting that matters: the defaults differ from what its documentation says. Nothing is sent anywhere by it. */
const settings = {
  autocommit: false,
  lmsCommitUrl: false,
  logLevel: 5,
  uninitializedGetLogLevel: 5,
  selfReportSessionTime: true,
  alwaysSendTotalTime: false,
  accumulateSessionTimeOnTerminate: false,
  mastery_override: false,
  score_overrides_status: false,
  autoCompleteLessonStatus: false,
  autoProgress: false,
  globalStudentPreferences: false,
  enableOfflineSupport: false,
  asyncModeBeaconBehavior: 'never',
  autoPopulateCommitMetadata: false,
} as const;

/** Whatever happens in there, content hears the guard. */
function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch {
    return null;
  }
}

const engineOf = (api: ScormAgain, seed: Readonly<Record<string, string>>, end: () => string): Engine => {
  attempt(() => api.loadFromFlattenedJSON({ ...seed }));
  return {
    initialize: () => void attempt(() => api.lmsInitialize('')),
    set: (element, value) => void attempt(() => api.lmsSetValue(element, value)),
    get: (element) =>
      attempt(() => {
        const value = api.lmsGetValue(element);
        const plain = typeof value === 'string' || typeof value === 'number';
        return plain && api.lmsGetLastError() === '0' ? String(value) : null;
      }),
    commit: () => void attempt(() => api.lmsCommit('')),
    terminate: () => void attempt(end),
  };
};

/** Makes the engine for one opening of an item, with the values that it begins with. */
export type EngineMaker = (seed: Readonly<Record<string, string>>) => Engine;

/** Loads the standard's part of scorm-again, once per page. */
export async function loadEngine(standard: '1.2' | '2004'): Promise<EngineMaker> {
  if (standard === '1.2') {
    const { Scorm12API } = (await import('scorm-again/scorm12/min')) as unknown as {
      Scorm12API: new (given: object) => Scorm12;
    };
    return (seed) => {
      const api = new Scorm12API(settings);
      return engineOf(api, seed, () => api.lmsFinish(''));
    };
  }
  const { Scorm2004API } = (await import('scorm-again/scorm2004/min')) as unknown as {
    Scorm2004API: new (given: object) => Scorm2004;
  };
  return (seed) => {
    const api = new Scorm2004API(settings);
    return engineOf(api, seed, () => api.lmsTerminate(''));
  };
}
