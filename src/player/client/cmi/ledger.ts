import type { DataModel, ElementSpec, Neighbours } from './model.ts';

/** What an API call comes to: an error code of the standard (0: none) and, for a read, the value. */
export interface Answer {
  value: string;
  error: number;
}

/** What content may do with one element. */
export interface Access {
  read: boolean;
  write: boolean;
}

/** A name the content has used, taken apart. */
interface Located {
  spec: ElementSpec;
  /** Collections on the way, with the index asked for, outermost first. */
  steps: { collection: string; index: number }[];
}

const isIndex = (part: string): boolean => /^(0|[1-9]\d{0,5})$/.test(part);
const pattern = (element: string): string => element.replace(/\.\d{1,6}(?=\.|$)/g, '.n');
/** An index is a number: `01` means 1. */
const canonical = (element: string): string => element.replace(/\.0+(?=\d+(\.|$))/g, '.');
const has = <T>(table: Record<string, T>, key: string): boolean => Object.hasOwn(table, key);

/**
 * The values of one SCO's run-time data, and the only judge of what may be read and written: names, indices, types and
 * dependencies exactly as the standard's tables say (RTE 3.1.7 for the codes). A refused call changes nothing.
 */
export class Ledger implements Neighbours {
  readonly #model: DataModel;
  readonly #access: Readonly<Record<string, Access>>;
  readonly #values = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #changes = new Map<string, string>();

  /** `access`: elements that this item may use less freely than the model says, by their full name. */
  constructor(
    model: DataModel,
    seed: Readonly<Record<string, string>> = {},
    access: Readonly<Record<string, Access>> = {},
  ) {
    this.#model = model;
    this.#access = access;
    for (const [element, value] of Object.entries(seed)) this.load(element, value);
  }

  /** Puts a value without asking: what the platform itself says (seeds, derived statuses). Not a change to commit. */
  load(element: string, value: string): void {
    this.#values.set(element, value);
    const parts = element.split('.');
    parts.forEach((part, at) => {
      if (!isIndex(part)) return;
      const collection = parts.slice(0, at).join('.');
      this.#counts.set(collection, Math.max(this.count(collection), Number(part) + 1));
    });
  }

  /** As `load`, and committed with the next commit. */
  put(element: string, value: string): void {
    if (this.value(element) === value) return;
    this.load(element, value);
    this.#changes.set(element, value);
  }

  value(element: string): string | null {
    return this.#values.get(element) ?? null;
  }

  count(collection: string): number {
    return this.#counts.get(collection) ?? 0;
  }

  /** Everything set since the last call, in the order of the last setting. */
  takeChanges(): [string, string][] {
    const changes = [...this.#changes];
    this.#changes.clear();
    return changes;
  }

  get changed(): boolean {
    return this.#changes.size > 0;
  }

  get(name: string): Answer {
    const { codes } = this.#model;
    const element = canonical(name);
    const fail = (error: number): Answer => ({ value: '', error });
    if (element === '') return fail(codes.emptyOnGet);
    const keyword = this.#keyword(element);
    if (keyword) {
      if (!keyword.known) return fail(codes.undefinedElement);
      if (!this.#indicesExist(keyword.parent)) return fail(codes.indexOnGet);
      if (keyword.name === '_children')
        return has(this.#model.children, keyword.pattern)
          ? { value: this.#model.children[keyword.pattern] ?? '', error: 0 }
          : fail(codes.noChildren);
      return this.#model.collections.includes(keyword.pattern)
        ? { value: String(this.count(keyword.parent)), error: 0 }
        : fail(codes.noCount);
    }
    const located = this.#locate(element);
    if (!located) return fail(codes.undefinedElement);
    if (located.steps.some(({ collection, index }) => index >= this.count(collection)))
      return fail(codes.indexOnGet);
    if (!this.#accessOf(element, located.spec).read) return fail(codes.writeOnly);
    const kept = this.value(element);
    const value = (kept === '' && located.spec.emptyIsUnset ? null : kept) ?? located.spec.initial;
    if (value !== undefined) return { value, error: 0 };
    return codes.notSet === null ? { value: '', error: 0 } : fail(codes.notSet);
  }

  /** The error code; 0: accepted. */
  set(name: string, value: string): number {
    const { codes } = this.#model;
    const element = canonical(name);
    if (element === '') return codes.emptyOnSet;
    const keyword = this.#keyword(element);
    if (keyword) return keyword.known ? codes.keyword : codes.undefinedElement;
    const located = this.#locate(element);
    if (!located) return codes.undefinedElement;
    const { spec, steps } = located;
    if (!this.#accessOf(element, spec).write) return codes.readOnly;
    // A new member comes right after the last one (RTE 3.1.? and 1.2 RTE 3.4.3); its parent is there already.
    for (const [at, { collection, index }] of steps.entries()) {
      const count = this.count(collection);
      if (index > count || (index === count && this.#model.fixed?.includes(collection)))
        return codes.indexOnSet;
      if (index === count && at < steps.length - 1) return codes.dependency;
    }
    const verdict = spec.check?.(value) ?? 'ok';
    if (verdict !== 'ok') return codes[verdict];
    const missing = this.#missing(element, spec, steps);
    if (missing) return codes.dependency;
    if (spec.refuse?.(value, element, this)) return codes.refusedSet;
    const among = spec.checkAmong?.(value, element, this) ?? 'ok';
    if (among !== 'ok') return codes[among];
    this.load(element, value);
    this.#changes.delete(element);
    this.#changes.set(element, value);
    return 0;
  }

  #accessOf(element: string, spec: ElementSpec): Access {
    const narrowed = has(this.#access, element) ? this.#access[element] : undefined;
    return {
      read: spec.access !== 'write' && (narrowed?.read ?? true),
      write: spec.access !== 'read' && (narrowed?.write ?? true),
    };
  }

  #missing(element: string, spec: ElementSpec, steps: Located['steps']): boolean {
    const last = steps.at(-1);
    if (last && spec.needs?.some((name) => this.value(`${last.collection}.${last.index}.${name}`) === null))
      return true;
    // A nested collection (an interaction's objectives and patterns) hangs on the interaction's id, a pattern on its type.
    const outer = steps.length > 1 ? steps[0] : undefined;
    if (!outer || this.#model.codes.notSet === null) return false;
    const owner = `${outer.collection}.${outer.index}`;
    if (this.value(`${owner}.id`) === null) return true;
    return element.includes('.correct_responses.') && this.value(`${owner}.type`) === null;
  }

  #keyword(
    element: string,
  ): { name: '_children' | '_count'; parent: string; pattern: string; known: boolean } | null {
    const match = /^(.+)\.(_children|_count)$/.exec(element);
    if (!match) return null;
    const parent = match[1] ?? '';
    const shape = pattern(parent);
    const known =
      has(this.#model.children, shape) ||
      this.#model.collections.includes(shape) ||
      (has(this.#model.elements, shape) && this.#locate(parent) !== null);
    return { name: match[2] as '_children' | '_count', parent, pattern: shape, known };
  }

  #indicesExist(parent: string): boolean {
    const parts = parent.split('.');
    return parts.every(
      (part, at) => !isIndex(part) || Number(part) < this.count(parts.slice(0, at).join('.')),
    );
  }

  #locate(element: string): Located | null {
    const shape = pattern(element);
    if (!has(this.#model.elements, shape)) return null;
    const spec = this.#model.elements[shape];
    if (!spec) return null;
    const parts = element.split('.');
    const steps: Located['steps'] = [];
    parts.forEach((part, at) => {
      if (isIndex(part)) steps.push({ collection: parts.slice(0, at).join('.'), index: Number(part) });
    });
    return { spec, steps };
  }
}

/** True when content may set an element of this name; indices are not looked at. */
export function isWritable(model: DataModel, element: string): boolean {
  const shape = pattern(element);
  return has(model.elements, shape) && model.elements[shape]?.access !== 'read';
}
