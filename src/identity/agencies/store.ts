import type { LocalText } from '../../base/languages.ts';

/** A name that an agency bore from one day up to the day before `to`; ISO dates, null: not known. */
export interface FormerName {
  name: LocalText;
  from: string | null;
  to: string;
}

/** 機關 */
export interface Agency {
  /** 機關代碼, upper case. */
  code: string;
  name: LocalText;
  /** 上級機關代碼 */
  parentCode: string | null;
  /** False: closed or merged; kept because people and records name it. */
  active: boolean;
  /** The day from which the present name holds (ISO date); null: not known. */
  nameSince: string | null;
  /** Oldest first. */
  formerNames: FormerName[];
}

/** The whole directory as it stands at one revision. */
export interface AgencyList {
  revision: number;
  agencies: Agency[];
}

/** Port: the agency directory. It is read and replaced as a whole, so that no reader ever sees half an import. */
export interface AgencyStore {
  /** 0: there is no directory yet. Cheap: asked before each use of what is held in memory. */
  revision(): Promise<number>;
  read(): Promise<AgencyList>;
  /** Replaces the directory if its revision is still this one; false, and nothing changed, when another import was first. */
  replace(agencies: Agency[], revision: number): Promise<boolean>;
}
