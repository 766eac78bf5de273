/** The platform's own IRIs, all under the portal's public origin so that they resolve to something a person can read. */
export interface Iris {
  /** `actor.account.homePage` of every learner; the account's name is the person's id, never an ID number. */
  homePage: string;
  course(courseCode: string): string;
  quiz(courseCode: string): string;
  question(courseCode: string, questionId: string): string;
  survey(courseCode: string): string;
  surveyQuestion(courseCode: string, questionId: string): string;
  /** One SCO or AU of a package; stable over the package's versions. */
  item(packageId: string, itemIdentifier: string): string;
  /** One attempt on an item or a course. */
  attempt(of: string, attemptId: string): string;
  /** A term of the platform's own vocabulary: extensions and activity types. */
  term(name: string): string;
}

export function createIris(publicOrigin: string): Iris {
  const part = encodeURIComponent;
  const course = (code: string): string => `${publicOrigin}/courses/${part(code)}`;
  return {
    homePage: publicOrigin,
    course,
    quiz: (code) => `${course(code)}/quiz`,
    question: (code, id) => `${course(code)}/quiz/questions/${part(id)}`,
    survey: (code) => `${course(code)}/survey`,
    surveyQuestion: (code, id) => `${course(code)}/survey/questions/${part(id)}`,
    item: (packageId, identifier) => `${publicOrigin}/packages/${part(packageId)}/items/${part(identifier)}`,
    attempt: (of, id) => `${of}/attempts/${part(id)}`,
    term: (name) => `${publicOrigin}/xapi/terms/${name}`,
  };
}
