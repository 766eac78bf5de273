import { attribute, childOf, childrenOf, type XmlElement } from './xml.ts';

/** SCORM 2004 sequencing (SN book 3) of one element, as client/sequencing/definition.ts reads it. */
export type Sequencing = Record<string, unknown>;

/** An objective's identifier: white space, also as it is escaped in a URI, counts once and only inside (xs:anyURI). */
const identifier = (element: XmlElement, name: string): string | undefined =>
  attribute(element, name)?.replace(/%20/g, ' ').replace(/\s+/g, ' ').trim();

const bool = (element: XmlElement, name: string): boolean | undefined => {
  const value = attribute(element, name)?.toLowerCase();
  return value === undefined ? undefined : value === 'true' || value === '1';
};
const number = (element: XmlElement, name: string): number | undefined => {
  const value = attribute(element, name);
  const parsed = value === undefined ? NaN : Number(value);
  return Number.isFinite(parsed) ? parsed : undefined;
};
/** Leaves out what is undefined: an absent setting must keep the standard's default. */
const known = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
const present = (values: Record<string, unknown>): Record<string, unknown> | undefined =>
  Object.keys(known(values)).length > 0 ? known(values) : undefined;

function controls(element: XmlElement): Record<string, unknown> | undefined {
  const mode = childOf(element, 'controlMode');
  const constrained = childOf(element, 'constrainedChoiceConsiderations');
  const random = childOf(element, 'randomizationControls');
  const rollup = childOf(element, 'rollupRules');
  return present({
    ...(mode && {
      choice: bool(mode, 'choice'),
      choiceExit: bool(mode, 'choiceExit'),
      flow: bool(mode, 'flow'),
      forwardOnly: bool(mode, 'forwardOnly'),
      useCurrentAttemptObjectiveInfo: bool(mode, 'useCurrentAttemptObjectiveInfo'),
      useCurrentAttemptProgressInfo: bool(mode, 'useCurrentAttemptProgressInfo'),
    }),
    ...(constrained && {
      preventActivation: bool(constrained, 'preventActivation'),
      constrainChoice: bool(constrained, 'constrainChoice'),
    }),
    ...(random && {
      randomizationTiming: attribute(random, 'randomizationTiming'),
      selectCount: number(random, 'selectCount'),
      selectionTiming: attribute(random, 'selectionTiming'),
      randomizeChildren: bool(random, 'reorderChildren'),
      reorderChildren: bool(random, 'reorderChildren'),
    }),
    ...(rollup && {
      rollupObjectiveSatisfied: bool(rollup, 'rollupObjectiveSatisfied'),
      rollupProgressCompletion: bool(rollup, 'rollupProgressCompletion'),
      objectiveMeasureWeight: number(rollup, 'objectiveMeasureWeight'),
    }),
  });
}

const condition = (element: XmlElement): Record<string, unknown> =>
  known({
    condition: attribute(element, 'condition'),
    operator: attribute(element, 'operator'),
    referencedObjective: identifier(element, 'referencedObjective'),
    parameters: present({ threshold: number(element, 'measureThreshold') }),
  });

const rule = (element: XmlElement): Record<string, unknown> => {
  const conditions = childOf(element, 'ruleConditions');
  const action = childOf(element, 'ruleAction');
  return {
    action: action ? attribute(action, 'action') : undefined,
    conditionCombination: (conditions && attribute(conditions, 'conditionCombination')) ?? 'all',
    conditions: childrenOf(conditions, 'ruleCondition').map(condition),
  };
};

function sequencingRules(element: XmlElement): Record<string, unknown> | undefined {
  const rules = childOf(element, 'sequencingRules');
  if (!rules) return undefined;
  return {
    preConditionRules: childrenOf(rules, 'preConditionRule').map(rule),
    exitConditionRules: childrenOf(rules, 'exitConditionRule').map(rule),
    postConditionRules: childrenOf(rules, 'postConditionRule').map(rule),
  };
}

function rollupRules(element: XmlElement): Record<string, unknown> | undefined {
  const rules = childrenOf(childOf(element, 'rollupRules'), 'rollupRule');
  if (rules.length === 0) return undefined;
  return {
    rules: rules.map((one) => {
      const conditions = childOf(one, 'rollupConditions');
      const action = childOf(one, 'rollupAction');
      const percent = number(one, 'minimumPercent');
      return known({
        action: action && attribute(action, 'action'),
        consideration: attribute(one, 'childActivitySet') ?? 'all',
        minimumCount: number(one, 'minimumCount'),
        // The manifest says 0–1; versions are stored with per cent.
        minimumPercent: percent === undefined ? undefined : percent * 100,
        conditionCombination: (conditions && attribute(conditions, 'conditionCombination')) ?? 'any',
        conditions: childrenOf(conditions, 'rollupCondition').map((each) =>
          known({ condition: attribute(each, 'condition'), operator: attribute(each, 'operator') }),
        ),
      });
    }),
  };
}

/** What a mapInfo of imsss reads and writes. */
const mapInfo = (element: XmlElement): Record<string, unknown> =>
  known({
    targetObjectiveID: identifier(element, 'targetObjectiveID'),
    readSatisfiedStatus: bool(element, 'readSatisfiedStatus'),
    readNormalizedMeasure: bool(element, 'readNormalizedMeasure'),
    writeSatisfiedStatus: bool(element, 'writeSatisfiedStatus'),
    writeNormalizedMeasure: bool(element, 'writeNormalizedMeasure'),
  });

const furtherFacts = ['RawScore', 'MinScore', 'MaxScore', 'CompletionStatus', 'ProgressMeasure'];
/** What a mapInfo of adlseq adds (4th Edition): it reads unless told not to, and writes when told to (CAM 5.1.11). */
const furtherMapInfo = (element: XmlElement): Record<string, unknown> => ({
  targetObjectiveID: identifier(element, 'targetObjectiveID'),
  ...Object.fromEntries(
    furtherFacts.flatMap((fact) => [
      [`read${fact}`, bool(element, `read${fact}`) ?? true],
      [`write${fact}`, bool(element, `write${fact}`) ?? false],
    ]),
  ),
});

const isFurther = (group: XmlElement): boolean => group.namespace.includes('adlseq');

function objectives(groups: XmlElement[]): { primaryObjective?: unknown; objectives?: unknown[] } {
  // `objectives` stands twice in the 4th Edition: imsss's own, and adlseq's with further maps of the same ids.
  const further = new Map<string, Record<string, unknown>[]>();
  for (const group of groups.filter(isFurther))
    for (const each of childrenOf(group, 'objective')) {
      const id = identifier(each, 'objectiveID');
      if (id !== undefined)
        further.set(id, [...(further.get(id) ?? []), ...childrenOf(each, 'mapInfo').map(furtherMapInfo)]);
    }
  const merge = (
    own: Record<string, unknown>[],
    more: Record<string, unknown>[],
  ): Record<string, unknown>[] => [
    ...own.map((map) => ({
      ...map,
      ...more.find((one) => one['targetObjectiveID'] === map['targetObjectiveID']),
    })),
    // A target that adlseq alone names: imsss's defaults are not its.
    ...more
      .filter((one) => !own.some((map) => map['targetObjectiveID'] === one['targetObjectiveID']))
      .map((one) => ({ readSatisfiedStatus: false, readNormalizedMeasure: false, ...one })),
  ];
  const objective = (each: XmlElement, isPrimary: boolean): Record<string, unknown> => {
    const id = identifier(each, 'objectiveID') ?? '';
    const measure = Number(childOf(each, 'minNormalizedMeasure')?.text.trim() || NaN);
    const maps = merge(childrenOf(each, 'mapInfo').map(mapInfo), further.get(id) ?? []);
    return known({
      objectiveID: id,
      isPrimary,
      satisfiedByMeasure: bool(each, 'satisfiedByMeasure'),
      minNormalizedMeasure: Number.isFinite(measure) ? measure : undefined,
      mapInfo: maps.length > 0 ? maps : undefined,
    });
  };
  const imsss = groups.filter((group) => !isFurther(group));
  const primary = imsss.flatMap((group) => childrenOf(group, 'primaryObjective'))[0];
  const others = imsss.flatMap((group) => childrenOf(group, 'objective'));
  return {
    ...(primary ? { primaryObjective: objective(primary, true) } : {}),
    ...(others.length > 0 ? { objectives: others.map((each) => objective(each, false)) } : {}),
  };
}

/**
 * Reads a `<sequencing>` element; each element that stands in it replaces the one of the same name that `base` (its
 * collection) has (CAM 5.1.2).
 */
export function readSequencing(own: XmlElement, base?: XmlElement): Sequencing {
  const nameOf = (child: XmlElement): string => (isFurther(child) ? `adlseq:${child.name}` : child.name);
  const said = new Set(own.children.map(nameOf));
  const element: XmlElement = {
    ...own,
    children: [...own.children, ...(base?.children.filter((child) => !said.has(nameOf(child))) ?? [])],
  };
  const limit = childOf(element, 'limitConditions');
  const delivery = childOf(element, 'deliveryControls');
  const considerations = childOf(element, 'rollupConsiderations');
  return {
    ...known({
      sequencingControls: controls(element),
      sequencingRules: sequencingRules(element),
      rollupRules: rollupRules(element),
      attemptLimit: limit && number(limit, 'attemptLimit'),
      attemptAbsoluteDurationLimit: limit && attribute(limit, 'attemptAbsoluteDurationLimit'),
      deliveryControls:
        delivery &&
        present({
          tracked: bool(delivery, 'tracked'),
          completionSetByContent: bool(delivery, 'completionSetByContent'),
          objectiveSetByContent: bool(delivery, 'objectiveSetByContent'),
        }),
      rollupConsiderations:
        considerations &&
        present({
          requiredForSatisfied: attribute(considerations, 'requiredForSatisfied'),
          requiredForNotSatisfied: attribute(considerations, 'requiredForNotSatisfied'),
          requiredForCompleted: attribute(considerations, 'requiredForCompleted'),
          requiredForIncomplete: attribute(considerations, 'requiredForIncomplete'),
          measureSatisfactionIfActive: bool(considerations, 'measureSatisfactionIfActive'),
        }),
    }),
    ...objectives(childrenOf(element, 'objectives')),
  };
}
