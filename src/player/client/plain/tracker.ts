/** SCORM 2004's run-time API, as the launch frame offers it (RTE 3.1). */
interface RuntimeApi {
  Initialize(parameter: ''): string;
  GetValue(name: string): string;
  SetValue(name: string, value: string): string;
  Commit(parameter: ''): string;
  Terminate(parameter: ''): string;
}

/** What a plain file keeps of its learner: a place, a state of its own, and how much of it was seen. */
export interface Tracker {
  /** Where the learner was; empty at the first time. */
  readonly location: string;
  /** What `save` was given last; empty at the first time. */
  readonly state: string;
  readonly language: 'zh-TW' | 'en';
  /** Keeps place and state; `measure` from 0 to 1 never falls, and from 0.95 on the item is completed. */
  save(location: string, state: string, measure: number): void;
}

const completeFrom = 0.95;

function findApi(): RuntimeApi | null {
  let here: Window = window;
  for (let level = 0; level < 10 && here.parent !== here; level++) {
    here = here.parent;
    try {
      const api = (here as unknown as { API_1484_11?: RuntimeApi }).API_1484_11;
      if (api) return api;
    } catch {
      return null; // another origin: the portal's page
    }
  }
  return null;
}

/** Opens the run-time session; without one (the page opened by itself) nothing is kept. */
export function openTracker(): Tracker {
  const api = findApi();
  const read = (name: string): string => api?.GetValue(name) ?? '';
  api?.Initialize('');
  let best = Number(read('cmi.progress_measure')) || 0;
  const completed = (): boolean => read('cmi.completion_status') === 'completed';
  if (!completed()) api?.SetValue('cmi.completion_status', 'incomplete');
  api?.SetValue('cmi.exit', 'suspend');
  window.addEventListener('pagehide', () => api?.Terminate(''));
  return {
    location: read('cmi.location'),
    state: read('cmi.suspend_data'),
    language: /^en/i.test(read('cmi.learner_preference.language') || navigator.language) ? 'en' : 'zh-TW',
    save(location, state, measure) {
      if (!api) return;
      api.SetValue('cmi.location', location.slice(0, 1000));
      api.SetValue('cmi.suspend_data', state.slice(0, 64_000));
      if (measure > best) {
        best = Math.min(1, measure);
        api.SetValue('cmi.progress_measure', best.toFixed(4));
      }
      if (best >= completeFrom && !completed()) api.SetValue('cmi.completion_status', 'completed');
      api.Commit('');
    },
  };
}
