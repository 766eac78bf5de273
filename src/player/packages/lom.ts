import { childOf, childrenOf, type XmlElement } from './xml.ts';

/** What a course says of itself (IEEE 1484.12.3 LOM; IMS Learning Resource Metadata 1.2 in SCORM 1.2). Absent: it is silent. */
export interface CourseMetadata {
  title?: string;
  description?: string;
  keywords?: string[];
  language?: string;
  /** As written: an ISO 8601 duration as a rule. */
  typicalLearningTime?: string;
}

/** A text that may stand in several languages: Chinese first, then the first one. */
function languageString(element: XmlElement | undefined): string | undefined {
  if (!element) return undefined;
  const strings = element.children.filter(({ name }) => name === 'langstring' || name === 'string');
  const chosen =
    strings.find(({ attributes }) => /^zh/i.test(attributes['lang'] ?? attributes['language'] ?? '')) ??
    strings[0];
  return (chosen ?? element).text.trim() || undefined;
}

/** Reads a `<lom>` element of either binding. */
export function readLom(lom: XmlElement): CourseMetadata {
  const general = childOf(lom, 'general');
  const time =
    childOf(childOf(lom, 'educational'), 'typicalLearningTime') ??
    childOf(childOf(lom, 'educational'), 'typicallearningtime');
  const duration = childOf(time, 'duration') ?? childOf(time, 'datetime');
  const found: Record<keyof CourseMetadata, string | string[] | undefined> = {
    title: languageString(childOf(general, 'title')),
    description: languageString(childOf(general, 'description')),
    keywords: childrenOf(general, 'keyword')
      .map(languageString)
      .filter((word) => word !== undefined),
    language: childOf(general, 'language')?.text.trim(),
    typicalLearningTime: duration?.text.trim(),
  };
  return Object.fromEntries(
    Object.entries(found).filter(([, value]) => value !== undefined && value.length > 0),
  ) as CourseMetadata;
}
