import type { Engine } from './engine.ts';
import { errors12, errors2004 } from './error-texts.ts';
import type { Answer, Ledger } from './ledger.ts';
import { evaluate12, evaluate2004, type LaunchRules } from './status.ts';

/** What the frame does when the content speaks. */
export interface RuntimeHooks {
  /** Initialize succeeded. */
  started(): void;
  /** A value was accepted. */
  changed(element: string, value: string): void;
  /** Commit or Terminate: hand over the changes. `end` is the value of (core.)exit on Terminate. */
  commit(end: { exit: string } | null): void;
  /** Navigation elements answered by the sequencing engine; null: not one of those. */
  navigation?(element: string): string | null;
  /** Every call with its outcome, for the debug panel. */
  traced?(call: ApiCall): void;
}

export interface ApiCall {
  call: string;
  arguments: string[];
  result: string;
  error: number;
}

type Phase = 'not-initialized' | 'running' | 'terminated';

interface PhaseCodes {
  initialize: { running: number; terminated: number };
  terminate: { 'not-initialized': number; terminated: number };
  get: { 'not-initialized': number; terminated: number };
  set: { 'not-initialized': number; terminated: number };
  commit: { 'not-initialized': number; terminated: number };
}

const phases2004: PhaseCodes = {
  initialize: { running: 103, terminated: 104 },
  terminate: { 'not-initialized': 112, terminated: 113 },
  get: { 'not-initialized': 122, terminated: 123 },
  set: { 'not-initialized': 132, terminated: 133 },
  commit: { 'not-initialized': 142, terminated: 143 },
};
/** SCORM 1.2 has one code for all of it: 301 not initialized; a second LMSInitialize is 101. */
const after12 = { 'not-initialized': 301, terminated: 301 };
const phases12: PhaseCodes = {
  initialize: { running: 101, terminated: 101 },
  terminate: after12,
  get: after12,
  set: after12,
  commit: after12,
};

/** The communication session of one SCO (RTE 3.1.3–3.1.6): its states, the error register, the ledger behind it. */
export class RuntimeSession {
  readonly #standard: '1.2' | '2004';
  readonly #ledger: Ledger;
  readonly #rules: LaunchRules;
  readonly #hooks: RuntimeHooks;
  readonly #engine: Engine;
  readonly #codes: PhaseCodes;
  readonly #texts: Record<number, string>;
  #phase: Phase = 'not-initialized';
  #error = 0;
  #diagnostic = '';

  constructor(
    standard: '1.2' | '2004',
    { ledger, rules, engine }: { ledger: Ledger; rules: LaunchRules; engine: Engine },
    hooks: RuntimeHooks,
  ) {
    this.#standard = standard;
    this.#ledger = ledger;
    this.#rules = rules;
    this.#engine = engine;
    this.#hooks = hooks;
    this.#codes = standard === '2004' ? phases2004 : phases12;
    this.#texts = standard === '2004' ? errors2004 : errors12;
  }

  get phase(): Phase {
    return this.#phase;
  }

  initialize(parameter: unknown): string {
    return this.#trace('Initialize', [parameter], () => {
      if (this.#phase !== 'not-initialized') return this.#fail(this.#codes.initialize[this.#phase]);
      if (!isEmptyString(parameter)) return this.#fail(201);
      this.#phase = 'running';
      this.#engine.initialize();
      this.#hooks.started();
      return this.#done();
    });
  }

  terminate(parameter: unknown): string {
    return this.#trace('Terminate', [parameter], () => {
      if (this.#phase !== 'running') return this.#fail(this.#codes.terminate[this.#phase]);
      if (!isEmptyString(parameter)) return this.#fail(201);
      this.#phase = 'terminated';
      this.#evaluate(true);
      const exit = this.#ledger.value(this.#standard === '2004' ? 'cmi.exit' : 'cmi.core.exit') ?? '';
      this.#engine.terminate();
      this.#hooks.commit({ exit });
      return this.#done();
    });
  }

  getValue(element: unknown): string {
    return this.#trace('GetValue', [element], () => {
      if (this.#phase !== 'running') return this.#fail(this.#codes.get[this.#phase], '');
      const answer = this.#read(String(element ?? ''));
      if (answer.error !== 0) return this.#fail(answer.error, '', String(element));
      return this.#done(this.#agreed(String(element ?? ''), answer.value));
    });
  }

  setValue(element: unknown, value: unknown): string {
    return this.#trace('SetValue', [element, value], () => {
      if (this.#phase !== 'running') return this.#fail(this.#codes.set[this.#phase]);
      const name = String(element ?? '');
      const text = value === undefined || value === null ? '' : String(value);
      // SN 5.6.5: with their targets in braces these are no names that a table can hold.
      const asksOnly = this.#standard === '2004' && /^adl\.nav\.request_valid\.(choice|jump)\./.test(name);
      const error = asksOnly ? 404 : this.#ledger.set(name, text);
      if (error !== 0) return this.#fail(error, 'false', `${name} = ${text.slice(0, 200)}`);
      this.#engine.set(name, text);
      this.#hooks.changed(name, text);
      return this.#done();
    });
  }

  commit(parameter: unknown): string {
    return this.#trace('Commit', [parameter], () => {
      if (this.#phase !== 'running') return this.#fail(this.#codes.commit[this.#phase]);
      if (!isEmptyString(parameter)) return this.#fail(201);
      this.#engine.commit();
      this.flush();
      return this.#done();
    });
  }

  /** Hands over what changed, with the statuses as they now stand; for Commit and for the frame's own timer. */
  flush(): void {
    if (this.#phase !== 'running') return;
    this.#evaluate(false);
    this.#hooks.commit(null);
  }

  getLastError(): string {
    return String(this.#error);
  }

  getErrorString(code: unknown): string {
    return this.#texts[Number(code === '' || code == null ? Number.NaN : code)] ?? '';
  }

  getDiagnostic(code: unknown): string {
    const asked = code === '' || code == null ? this.#error : Number(code);
    if (asked === this.#error && this.#diagnostic) return this.#diagnostic.slice(0, 255);
    return this.getErrorString(asked);
  }

  /** The value that content reads: the engine's where it is the standard's, else the guard's. */
  #agreed(element: string, value: string): string {
    const answer = element.startsWith('adl.nav.') ? null : this.#engine.get(element);
    return answer === value ? answer : value;
  }

  #read(element: string): Answer {
    if (this.#standard === '2004') {
      const navigation = /^adl\.nav\.request_valid\./.test(element)
        ? (this.#hooks.navigation?.(element) ?? null)
        : null;
      if (navigation !== null) return { value: navigation, error: 0 };
      const derived = evaluate2004(this.#ledger, this.#rules);
      if (element === 'cmi.completion_status') return { value: derived.completion, error: 0 };
      if (element === 'cmi.success_status') return { value: derived.success, error: 0 };
    }
    return this.#ledger.get(element);
  }

  /** The statuses that the standard derives are committed as they stand. */
  #evaluate(ending: boolean): void {
    if (this.#standard === '2004') {
      const { completion, success } = evaluate2004(this.#ledger, this.#rules);
      if (completion !== 'unknown') this.#ledger.put('cmi.completion_status', completion);
      if (success !== 'unknown') this.#ledger.put('cmi.success_status', success);
      return;
    }
    const status = evaluate12(this.#ledger, this.#rules, ending);
    if (status !== null) this.#ledger.put('cmi.core.lesson_status', status);
  }

  #fail(error: number, result = 'false', about = ''): string {
    this.#error = error;
    this.#diagnostic = about ? `${this.#texts[error] ?? ''}: ${about}` : (this.#texts[error] ?? '');
    return result;
  }

  #done(result = 'true'): string {
    this.#error = 0;
    this.#diagnostic = '';
    return result;
  }

  #trace(call: string, given: unknown[], act: () => string): string {
    const result = act();
    this.#hooks.traced?.({ call, arguments: given.map(String), result, error: this.#error });
    return result;
  }
}

/** RTE 3.1.3.1: the parameter is an empty characterstring; authoring tools also leave it out. */
const isEmptyString = (parameter: unknown): boolean =>
  parameter === '' || parameter === undefined || parameter === null;

/** `window.API` (1.2 RTE 3.3) */
export const surface12 = (session: RuntimeSession): Record<string, (...given: unknown[]) => string> => ({
  LMSInitialize: (parameter) => session.initialize(parameter),
  LMSFinish: (parameter) => session.terminate(parameter),
  LMSGetValue: (element) => session.getValue(element),
  LMSSetValue: (element, value) => session.setValue(element, value),
  LMSCommit: (parameter) => session.commit(parameter),
  LMSGetLastError: () => session.getLastError(),
  LMSGetErrorString: (code) => session.getErrorString(code),
  LMSGetDiagnostic: (code) => session.getDiagnostic(code),
});

/** `window.API_1484_11` (RTE 3.1.2) */
export const surface2004 = (
  session: RuntimeSession,
): Record<string, string | ((...given: unknown[]) => string)> => ({
  version: '1.0',
  Initialize: (parameter) => session.initialize(parameter),
  Terminate: (parameter) => session.terminate(parameter),
  GetValue: (element) => session.getValue(element),
  SetValue: (element, value) => session.setValue(element, value),
  Commit: (parameter) => session.commit(parameter),
  GetLastError: () => session.getLastError(),
  GetErrorString: (code) => session.getErrorString(code),
  GetDiagnostic: (code) => session.getDiagnostic(code),
});
