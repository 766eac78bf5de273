import type { PackageItem } from '../../types.ts';

/** Sequencing as a manifest defines it (SN 3), every default of the standard filled in. */
export interface Definition {
  choice: boolean;
  choiceExit: boolean;
  flow: boolean;
  forwardOnly: boolean;
  useCurrentObjectives: boolean;
  useCurrentProgress: boolean;
  preventActivation: boolean;
  constrainChoice: boolean;
  attemptLimit: number | null;
  tracked: boolean;
  completionSetByContent: boolean;
  objectiveSetByContent: boolean;
  preconditions: Rule[];
  exits: Rule[];
  postconditions: Rule[];
  rollup: RollupRule[];
  rollupObjectiveSatisfied: boolean;
  rollupProgressCompletion: boolean;
  objectiveMeasureWeight: number;
  requiredFor: Record<RollupAction, Required>;
  measureSatisfactionIfActive: boolean;
  completedByMeasure: boolean;
  minProgressMeasure: number;
  progressWeight: number;
  selection: { timing: Timing; count: number | null };
  randomization: { timing: Timing; reorder: boolean };
  /** The primary objective first (without an id when the manifest gives it none). */
  objectives: [Objective, ...Objective[]];
}

export type Timing = 'never' | 'once' | 'onEachNewAttempt';
export type Required = 'always' | 'ifAttempted' | 'ifNotSuspended' | 'ifNotSkipped';
export type RollupAction = 'satisfied' | 'notSatisfied' | 'completed' | 'incomplete';

export interface Condition {
  name: string;
  negated: boolean;
  /** Null: the primary objective. */
  objective: string | null;
  threshold: number;
}

export interface Rule {
  action: string;
  combination: 'all' | 'any';
  conditions: Condition[];
}

export interface RollupRule {
  action: RollupAction;
  childSet: string;
  count: number;
  /** 0–1 */
  percent: number;
  combination: 'all' | 'any';
  conditions: Condition[];
}

export interface Objective {
  id: string | null;
  satisfiedByMeasure: boolean;
  minMeasure: number;
  maps: ObjectiveMap[];
}

/** What is known of an objective; null: unknown. */
export interface Facts {
  satisfied: boolean | null;
  measure: number | null;
  completed: boolean | null;
  progress: number | null;
  raw: number | null;
  min: number | null;
  max: number | null;
}
export type Fact = keyof Facts;
export const facts: Fact[] = ['satisfied', 'measure', 'completed', 'progress', 'raw', 'min', 'max'];

export interface ObjectiveMap {
  target: string;
  read: Record<Fact, boolean>;
  write: Record<Fact, boolean>;
}

/** The names that a manifest's mapInfo has for each fact (SN 3.10.3). */
const mapNames: Record<Fact, string> = {
  satisfied: 'SatisfiedStatus',
  measure: 'NormalizedMeasure',
  completed: 'CompletionStatus',
  progress: 'ProgressMeasure',
  raw: 'RawScore',
  min: 'MinScore',
  max: 'MaxScore',
};

type Raw = Record<string, unknown>;
const object = (value: unknown): Raw => (typeof value === 'object' && value !== null ? (value as Raw) : {});
const list = (value: unknown): Raw[] => (Array.isArray(value) ? value.map(object) : []);
const flag = (value: unknown, fallback: boolean): boolean => (typeof value === 'boolean' ? value : fallback);
const number = <T>(value: unknown, fallback: T): number | T =>
  typeof value === 'number' && Number.isFinite(value) ? value : fallback;
const word = <T extends string>(value: unknown, fallback: T): T =>
  typeof value === 'string' && value !== '' ? (value as T) : fallback;

const conditions = (value: unknown): Condition[] =>
  list(value).map((one) => ({
    name: word(one['condition'], 'always'),
    negated: one['operator'] === 'not',
    objective: typeof one['referencedObjective'] === 'string' ? one['referencedObjective'] : null,
    threshold: number(object(one['parameters'])['threshold'], 0),
  }));

const rules = (value: unknown): Rule[] =>
  list(value).map((one) => ({
    action: word(one['action'], ''),
    combination: one['conditionCombination'] === 'any' ? 'any' : 'all',
    conditions: conditions(one['conditions']),
  }));

const rollupRules = (value: unknown): RollupRule[] =>
  list(object(value)['rules']).map((one) => ({
    action: word<RollupAction>(one['action'], 'satisfied'),
    childSet: word(one['consideration'], 'all'),
    count: number(one['minimumCount'], 0),
    percent: number(one['minimumPercent'], 0) / 100,
    combination: one['conditionCombination'] === 'all' ? 'all' : 'any',
    conditions: conditions(one['conditions']),
  }));

function mapOf(raw: Raw): ObjectiveMap {
  const read = {} as Record<Fact, boolean>;
  const write = {} as Record<Fact, boolean>;
  for (const fact of facts) {
    // imsss reads status and measure unless told not to; everything else has to be asked for (SN 3.10.3).
    read[fact] = flag(raw[`read${mapNames[fact]}`], fact === 'satisfied' || fact === 'measure');
    write[fact] = flag(raw[`write${mapNames[fact]}`], false);
  }
  return { target: word(raw['targetObjectiveID'], ''), read, write };
}

const objectiveOf = (raw: Raw): Objective => ({
  id: typeof raw['objectiveID'] === 'string' && raw['objectiveID'] !== '' ? raw['objectiveID'] : null,
  satisfiedByMeasure: flag(raw['satisfiedByMeasure'], false),
  minMeasure: number(raw['minNormalizedMeasure'], 1),
  maps: list(raw['mapInfo']).map(mapOf),
});

/** Pure. `sequencing` has the shape that the package checker stores with an item. */
export function definitionOf(
  sequencing: Raw | undefined,
  threshold?: PackageItem['completionThreshold'],
): Definition {
  const raw = sequencing ?? {};
  const controls = object(raw['sequencingControls']);
  const all = object(raw['sequencingRules']);
  const delivery = object(raw['deliveryControls']);
  const considered = object(raw['rollupConsiderations']);
  const required = (name: string): Required => word<Required>(considered[name], 'always');
  return {
    choice: flag(controls['choice'], true),
    choiceExit: flag(controls['choiceExit'], true),
    flow: flag(controls['flow'], false),
    forwardOnly: flag(controls['forwardOnly'], false),
    useCurrentObjectives: flag(controls['useCurrentAttemptObjectiveInfo'], true),
    useCurrentProgress: flag(controls['useCurrentAttemptProgressInfo'], true),
    preventActivation: flag(controls['preventActivation'], false),
    constrainChoice: flag(controls['constrainChoice'], false),
    attemptLimit: number(raw['attemptLimit'], null),
    tracked: flag(delivery['tracked'], true),
    completionSetByContent: flag(delivery['completionSetByContent'], false),
    objectiveSetByContent: flag(delivery['objectiveSetByContent'], false),
    preconditions: rules(all['preConditionRules']),
    exits: rules(all['exitConditionRules']),
    postconditions: rules(all['postConditionRules']),
    rollup: rollupRules(raw['rollupRules']),
    rollupObjectiveSatisfied: flag(controls['rollupObjectiveSatisfied'], true),
    rollupProgressCompletion: flag(controls['rollupProgressCompletion'], true),
    objectiveMeasureWeight: number(controls['objectiveMeasureWeight'], 1),
    requiredFor: {
      satisfied: required('requiredForSatisfied'),
      notSatisfied: required('requiredForNotSatisfied'),
      completed: required('requiredForCompleted'),
      incomplete: required('requiredForIncomplete'),
    },
    measureSatisfactionIfActive: flag(considered['measureSatisfactionIfActive'], true),
    completedByMeasure: threshold?.completedByMeasure ?? false,
    minProgressMeasure: threshold?.minProgressMeasure ?? 1,
    progressWeight: threshold?.progressWeight ?? 1,
    selection: {
      timing: word<Timing>(controls['selectionTiming'], 'never'),
      count: number(controls['selectCount'], null),
    },
    randomization: {
      timing: word<Timing>(controls['randomizationTiming'], 'never'),
      reorder: flag(controls['reorderChildren'], false),
    },
    objectives: [objectiveOf(object(raw['primaryObjective'])), ...list(raw['objectives']).map(objectiveOf)],
  };
}
