/** What went wrong, in the domain's words; http/errors.ts holds the one table from kind to status. */
export type ErrorKind =
  | 'invalid' // 400: the request is malformed
  | 'unauthenticated' // 401
  | 'forbidden' // 403
  | 'not-found' // 404
  | 'conflict' // 409
  | 'precondition' // 412
  | 'too-large' // 413
  | 'unsupported-media' // 415
  | 'unprocessable' // 422: well-formed, but a rule refuses it
  | 'rate-limited' // 429
  | 'unavailable' // 503: try again
  | 'timeout'; // 504

/** One thing that is wrong: where (a JSON path, a form field or a file), and what. */
export interface Problem {
  path: string;
  message: string;
}

export interface ErrorOptions {
  /** Message key under `errors.` in views/messages; the English `message` is used where there is none. */
  code?: string;
  /** Values for the message's placeholders. Never a secret, never an ID number: they are shown and logged. */
  params?: Record<string, string | number>;
  problems?: Problem[];
  /** Seconds after which trying again makes sense (`Retry-After`). */
  retryAfter?: number;
  cause?: unknown;
}

/** The only error class a module throws on purpose. Its message is shown to the caller: say what is wrong and what to do. */
export class DomainError extends Error {
  readonly kind: ErrorKind;
  readonly code: string | null;
  readonly params: Record<string, string | number>;
  readonly problems: Problem[];
  readonly retryAfter: number | null;

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.kind = kind;
    this.code = options.code ?? null;
    this.params = options.params ?? {};
    this.problems = options.problems ?? [];
    this.retryAfter = options.retryAfter ?? null;
  }
}

export function isDomainError(error: unknown, kind?: ErrorKind): error is DomainError {
  return error instanceof DomainError && (kind === undefined || error.kind === kind);
}
