import type { Readable } from 'node:stream';
import type { LocalText } from '../base/languages.ts';
import type { Agent } from '../xapi/types.ts';

export type PackageStandard =
  'scorm-1.2' | 'scorm-2004' | 'cmi5' | 'xapi' | 'html' | 'video' | 'pdf' | 'epub';

/** One thing the checker says of a package. `rule` is a stable name, e.g. `manifest.missing-file`. */
export interface Finding {
  severity: 'error' | 'warning';
  rule: string;
  file: string | null;
  line: number | null;
  message: LocalText;
  remedy: LocalText;
}

/** A data store that an item shares with others (SCORM 2004 4th Edition, adlcp:map). */
export interface SharedDataMap {
  targetId: string;
  /** readSharedData, writeSharedData */
  read: boolean;
  write: boolean;
}

/** A node of the table of contents: a cluster (children) or something that launches (href). */
export interface PackageItem {
  /** The manifest's identifier, trimmed. */
  identifier: string;
  title: string;
  visible: boolean;
  /** Path inside the package with xml:base, query and fragment resolved; null for a cluster. */
  href: string | null;
  kind: 'sco' | 'asset' | 'cluster';
  /** SCORM's launch-time data; absent where the manifest is silent. */
  prerequisites?: string;
  masteryScore?: number;
  maxTimeAllowed?: string;
  timeLimitAction?: string;
  dataFromLms?: string;
  completionThreshold?: {
    completedByMeasure: boolean;
    minProgressMeasure: number;
    progressWeight: number;
    /** As before the 4th Edition: while content reports no progress, what it says of its completion stands. */
    contentDecides?: true;
  };
  hideLmsUi?: string[];
  /** In the manifest's order: `adl.data.n`. */
  sharedData?: SharedDataMap[];
  /** SCORM 2004 sequencing as client/sequencing/definition.ts reads it; opaque to everyone but the runtime. */
  sequencing?: Record<string, unknown>;
  children: PackageItem[];
}

/** One uploaded, checked and unpacked package: immutable. */
export interface PackageVersion {
  id: string;
  packageId: string;
  version: number;
  standard: PackageStandard;
  /** `1.2`, `2004 3rd Edition` …: as the manifest says it. */
  edition: string;
  title: string;
  items: PackageItem[];
  /** Package-level sequencing collections, global objectives and the like, for the runtime. */
  extra: Record<string, unknown>;
  fileCount: number;
  totalBytes: number;
  findings: Finding[];
  uploadedBy: string;
  uploadedAt: Date;
}

/** A version made the one in use: when, by whom, and what became of learners in progress. */
export interface Publication {
  versionId: string;
  at: Date;
  personId: string;
  /** stay: they go on with the version that they began; move: they go on with this one. */
  learners: 'stay' | 'move';
  /** How many courses took it, and how many learners were moved. */
  courses: number;
  moved: number;
}

/** Where the package belongs: a vendor organisation. */
export interface Package {
  id: string;
  organisation: string;
  title: string;
  /** The version in use: new courses take it. A later upload is a draft until it is published; a roll-back sets an older one. */
  latestVersionId: string;
  /** Oldest first; the first version of a package is in use without one. */
  publications: Publication[];
  /** Out of the vendor's list since then; courses that use it go on. */
  archivedAt: Date | null;
}

export type ImportResult =
  { accepted: true; version: PackageVersion } | { accepted: false; findings: Finding[] };

export interface PackageLibrary {
  /**
   * Checks and stores an upload; a refused one leaves nothing behind. `packageId` given: a new version of that package.
   * DomainError `too-large` when a limit is passed while reading.
   */
  importZip(
    zip: Readable,
    by: { personId: string; organisation: string },
    options?: { packageId?: string; fileName?: string },
  ): Promise<ImportResult>;
  version(id: string): Promise<PackageVersion | null>;
  package(id: string): Promise<Package | null>;
  /** Newest first, without the archived ones. */
  packagesOf(organisation: string): Promise<Package[]>;
}

/** Where content is shown: in a frame of the player's page, or in a window of its own. */
export type ContentWindow = 'frame' | 'popup';

/**
 * What becomes of an item that is opened again after its attempt has ended. Absent: what its standard says, without end.
 * Beyond `limit` attempts, or (`review`) once it is passed or completed, it opens for review: it shows what was reached, and
 * nothing of it counts or is kept any more.
 */
export interface AttemptPolicy {
  limit: number | null;
  review: boolean;
}

/** How a course asks for a launch; the player knows nothing else of courses. */
export interface LaunchRequest {
  learner: { id: string; name: string; agent: Agent; language: string };
  registration: string;
  packageVersionId: string;
  /** The course's activity, for grouping and for the reading-time Statement. */
  course: {
    activityId: string;
    title: string;
    /** Shown by the player; null: none asked. */
    requiredSeconds: number | null;
    /** Time stops counting after so many seconds without a sign of the learner; null or absent: it does not. */
    inactivitySeconds?: number | null;
    /** Absent: in the frame, unless the package cannot live in one. */
    contentWindow?: ContentWindow;
    attempts?: AttemptPolicy;
  };
  /** Nothing is recorded: a vendor's preview (SCORM `browse`). */
  browse?: boolean;
  /** What the learner opens it on, e.g. `Windows · Edge` (base/device.ts). */
  device?: string | null;
}

export interface Launch {
  /** The launch's id; the reading sessions that it leads to have ids of their own. */
  sessionId: string;
  /** On the content origin; opened by a form posted into the player's iframe, with `launchToken` as its field `token`. */
  frameUrl: string;
  /** For the form only: it may never stand in an address or a log. */
  launchToken: string;
  /** Sent by the portal page with each beat. */
  beatToken: string;
}

/**
 * left: 離開課程; closed: the page went away and said so; lapsed: its beats stopped; taken-over: another window of the
 * learner counts now; split: recorded at a milestone while learning went on (the next session began at once).
 */
export type SessionEnding = 'left' | 'closed' | 'lapsed' | 'taken-over' | 'split';

/** A stretch of learning measured by the server's clock. */
export interface ReadingSession {
  id: string;
  registration: string;
  learnerId: string;
  packageVersionId: string;
  startedAt: Date;
  lastBeatAt: Date;
  /** Null while it runs. */
  endedAt: Date | null;
  /** How it ended. */
  ending: SessionEnding | null;
  /** Seconds that count. */
  seconds: number;
  /** e.g. `Windows · Edge`; null: unknown. */
  device: string | null;
}

export interface PlayerSessions {
  launch(request: LaunchRequest): Promise<Launch>;
  /** Seconds that count for the registration: ended sessions and the running one up to its last beat. */
  readingSeconds(registration: string): Promise<number>;
  sessionsOf(registration: string): Promise<ReadingSession[]>;
}
