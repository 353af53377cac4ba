/**
 * Refusals as RFC 9457 problem documents.
 *
 * Services throw {@link ProblemError} (through the constructors below) or let a LabError pass; {@link toProblem} is
 * the one place that turns any thrown value into a document. Malformed text is 400, a well-formed document that says
 * something impossible is 422 with every fault in `errors`, a full quota is 409 of type `limit`.
 */
import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { LabError, type LabErrorKind, type Problem as Fault } from '@netloom/lab';

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** Every fault of the request, by path. */
  readonly errors?: readonly Fault[];
}

export const PROBLEM_TYPES = {
  validation: 'urn:netloom:problem:validation',
  notFound: 'urn:netloom:problem:not-found',
  conflict: 'urn:netloom:problem:conflict',
  limit: 'urn:netloom:problem:limit',
  labFailed: 'urn:netloom:problem:lab-failed',
} as const;

export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly type = 'about:blank',
    readonly errors: readonly Fault[] = [],
  ) {
    super(detail);
  }
}

export const invalid = (errors: readonly Fault[], detail?: string): ProblemError =>
  new ProblemError(422, detail ?? summary(errors), PROBLEM_TYPES.validation, errors);

export const malformed = (detail: string): ProblemError => new ProblemError(400, detail);
export const notFound = (detail: string): ProblemError =>
  new ProblemError(404, detail, PROBLEM_TYPES.notFound);
export const conflict = (detail: string): ProblemError =>
  new ProblemError(409, detail, PROBLEM_TYPES.conflict);
export const limitReached = (detail: string): ProblemError =>
  new ProblemError(409, detail, PROBLEM_TYPES.limit);

const LAB_ERRORS: Readonly<Record<LabErrorKind, { status: number; type: string }>> = {
  invalid: { status: 422, type: PROBLEM_TYPES.validation },
  'not-found': { status: 404, type: PROBLEM_TYPES.notFound },
  conflict: { status: 409, type: PROBLEM_TYPES.conflict },
  unsupported: { status: 501, type: 'about:blank' },
  failed: { status: 503, type: PROBLEM_TYPES.labFailed },
};

export function toProblem(error: unknown): ProblemDocument {
  if (error instanceof ProblemError)
    return document(error.status, error.detail, error.type, error.errors);
  if (error instanceof LabError) {
    const { status, type } = LAB_ERRORS[error.kind];
    return document(status, error.message, type, error.problems);
  }
  if (error instanceof HttpException) return document(error.getStatus(), error.message);
  const parser = bodyParserError(error);
  if (parser !== undefined) return document(parser.status, parser.message);
  return document(500, 'An error of the server itself; its log says more.');
}

function document(
  status: number,
  detail: string,
  type = 'about:blank',
  errors: readonly Fault[] = [],
): ProblemDocument {
  const title =
    type === PROBLEM_TYPES.validation ? 'Invalid request' : (STATUS_CODES[status] ?? 'Error');
  return { type, title, status, detail, ...(errors.length > 0 ? { errors } : {}) };
}

function summary(errors: readonly Fault[]): string {
  const [first] = errors;
  if (first === undefined) return 'The request is not valid.';
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return `${first.path === '' ? '' : `${first.path}: `}${first.message}${more}`;
}

/** What body-parser throws: an Error with `status` and `type`, such as `entity.too.large`. */
function bodyParserError(error: unknown): { status: number; message: string } | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error) || !('message' in error))
    return undefined;
  const { status } = error;
  if (typeof status !== 'number') return undefined;
  if (status < 400 || status > 499) return undefined;
  if (status === 413 && 'limit' in error) {
    return {
      status,
      message: `The body is larger than this server takes (${String(error.limit)} bytes).`,
    };
  }
  return { status, message: String(error.message) };
}

/** `a.b[0]["odd key"]`, the spelling of the topology parser. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, key) => {
    if (typeof key === 'number') return `${before}[${key}]`;
    const name = String(key);
    if (!/^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(name)) return `${before}[${JSON.stringify(name)}]`;
    return before === '' ? name : `${before}.${name}`;
  }, '');
}
