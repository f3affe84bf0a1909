// Checks a server's answer to a request for a range.

import type { Span } from '../internal/span';
import { retryAfter, TransientFailure } from './http-transfer';
import { SourceError, type SourceErrorCode } from './source-error';

/** The state of an object in the first answer, which must not change. */
export interface ObjectState {
  /** Its size in bytes. */
  readonly size: number;
  /** The ETag as sent. */
  readonly etag: string | undefined;
  /** Compared if there is no ETag. */
  readonly lastModified: string | undefined;
}

/**
 * Checks the answer to a request for `wanted`, and returns the object's state. Only the first request may ask for more bytes than the
 * object has.
 *
 * @param name The object as messages show it.
 * @param first The state in the first answer; `undefined` for that answer.
 * @throws A SourceError, or a {@link TransientFailure} if another attempt may succeed.
 */
export function checkAnswer(
  name: string,
  { status, headers }: Response,
  wanted: Span,
  first: ObjectState | undefined,
): ObjectState {
  const refuse = (code: SourceErrorCode, problem: string) =>
    new SourceError(`${name}: ${problem}`, code, { status });

  const sent = sentRange(status, headers);
  if (sent === undefined) {
    // A range that existed before.
    const size = status === 416 ? UNSATISFIED_RANGE.exec(headers.get('content-range') ?? '')?.[1] : undefined;
    if (first !== undefined && size !== undefined && Number(size) !== first.size) {
      throw refuse('ERR_SOURCE_CHANGED', `${CHANGED} (${otherSize(first.size, Number(size))})`);
    }
    const refusal = refuse(...refusalOf(status));
    if (!isTransient(status)) throw refusal;
    throw new TransientFailure(refusal, retryAfter(headers.get('retry-after')));
  }
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding.trim().toLowerCase() !== 'identity') throw refuse('ERR_SOURCE_ENCODING', ENCODED);

  const found: ObjectState = {
    size: sent.size,
    etag: headers.get('etag') ?? undefined,
    lastModified: headers.get('last-modified') ?? undefined,
  };
  const change = first === undefined ? undefined : changeBetween(first, found);
  if (change !== undefined) throw refuse('ERR_SOURCE_CHANGED', `${CHANGED} (${change})`);

  const end = Math.min(wanted.end, sent.size);
  if (sent.size > 0 && (sent.start !== wanted.start || sent.end !== end)) {
    const problem =
      `asked for the bytes ${wanted.start} to ${end - 1}, the server sent ${sent.start} to ${sent.end - 1}: ` +
      'it, or a cache before it, does not serve ranges as it should';
    throw refuse('ERR_SOURCE_RANGE', problem);
  }
  return found;
}

/** Whether an ETag identifies the exact bytes, so that it can be sent as `If-Match` (RFC 9110, 8.8.3). */
export function isStrong(etag: string): boolean {
  return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag);
}

/** The range that an answer has, and the object's size; `undefined` if it has none, or does not say. */
function sentRange(status: number, headers: Headers): (Span & { readonly size: number }) | undefined {
  const range = headers.get('content-range') ?? '';
  // An object without bytes has no range: some servers say so, others send the whole object.
  const isEmpty =
    (status === 416 && range === 'bytes */0') || (status === 200 && headers.get('content-length') === '0');
  if (isEmpty) return { start: 0, end: 0, size: 0 };

  const [, start, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(range)?.map(Number) ?? [];
  if (status !== 206 || start === undefined || last === undefined || size === undefined) return undefined;
  const isRange = start <= last && last < size && Number.isSafeInteger(size);
  return isRange ? { start, end: last + 1, size } : undefined;
}

/** The difference as text. */
function changeBetween(first: ObjectState, found: ObjectState): string | undefined {
  if (found.size !== first.size) return otherSize(first.size, found.size);
  if (first.etag !== undefined) return found.etag === first.etag ? undefined : 'another ETag';
  return found.lastModified === first.lastModified ? undefined : 'another Last-Modified';
}

function otherSize(before: number, now: number): string {
  return `it had ${before} bytes, and now has ${now}`;
}

function refusalOf(status: number): readonly [SourceErrorCode, string] {
  const known = REFUSALS[status];
  if (known) return known;
  const advice = isTransient(status)
    ? 'the server can not answer now; try again later'
    : status < 400
      ? 'the server has no part of the object for this request'
      : 'the server refuses the request';
  return ['ERR_SOURCE_STATUS', `HTTP ${status}: ${ADVICE[status] ?? advice}`];
}

function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

const UNSATISFIED_RANGE = /^bytes \*\/(\d+)$/;
const CHANGED = 'the object has changed since it was opened; make a new source to read what it is now';
const ENCODED =
  'the server sent it with a Content-Encoding, though it was asked not to: store the object without one, or have ' +
  'the server not compress it';
const REFUSALS: Readonly<Record<number, readonly [SourceErrorCode, string]>> = {
  200: [
    'ERR_SOURCE_RANGE',
    'the server does not serve ranges (HTTP 200 to a request for a part): store the object on one that does, or ' +
      'download it and open the file',
  ],
  206: [
    'ERR_SOURCE_RANGE',
    'the server does not say which part it sent, or the size of the object (Content-Range): store it on one that does',
  ],
  412: ['ERR_SOURCE_CHANGED', CHANGED],
  416: ['ERR_SOURCE_RANGE', 'HTTP 416: the server has no such part of the object'],
};
const ADVICE: Readonly<Record<number, string>> = {
  401: 'the server wants credentials: give them in `headers`, or renew them',
  403: 'access is refused: a presigned address may have expired, or the credentials in `headers` do not reach so far',
  404: 'there is nothing at this address',
  405: 'the server does not allow GET here',
  407: 'a proxy wants credentials',
  410: 'the object was removed for good',
  429: 'too many requests; try again later, or read less at a time',
};
