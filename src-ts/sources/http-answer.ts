// What a server's answer to a request for a range says, and whether it can be believed.

import type { ByteRange } from '../../native/binding';
import { retryAfter, TransientFailure } from './http-retry';
import { SourceError, type SourceErrorCode } from './source-error';

/** What was first seen of an object, and has to stay so. @internal */
export interface Pinned {
  /** Bytes in all. */
  readonly size: number;
  /** The ETag as it was sent. */
  readonly etag: string | undefined;
  /** Compared where there is no ETag. */
  readonly lastModified: string | undefined;
}

/**
 * What the answer to a request for `wanted` says of the object; only the first request may ask for more than there is.
 *
 * @param name The object as messages show it.
 * @param pinned What the first answer said; `undefined` for the first one.
 * @throws A SourceError, or a {@link TransientFailure} where another try may help.
 * @internal
 */
export function checkedAnswer(
  name: string,
  { status, headers }: Response,
  wanted: ByteRange,
  pinned: Pinned | undefined,
): Pinned {
  const refuse = (code: SourceErrorCode, problem: string) =>
    new SourceError(`${name}: ${problem}`, code, { status });

  const sent = sentRange(status, headers);
  if (sent === undefined) {
    // A range that was there, and is no longer.
    const size = status === 416 ? UNSATISFIED_RANGE.exec(headers.get('content-range') ?? '')?.[1] : undefined;
    if (pinned !== undefined && size !== undefined && Number(size) !== pinned.size) {
      throw refuse('ERR_SOURCE_CHANGED', `${CHANGED} (${otherSize(pinned.size, Number(size))})`);
    }
    const refusal = refuse(...refusalOf(status));
    if (!isTransient(status)) throw refusal;
    throw new TransientFailure(refusal, retryAfter(headers.get('retry-after')));
  }
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding.trim().toLowerCase() !== 'identity') throw refuse('ERR_SOURCE_ENCODING', ENCODED);

  const found: Pinned = {
    size: sent.size,
    etag: headers.get('etag') ?? undefined,
    lastModified: headers.get('last-modified') ?? undefined,
  };
  const change = pinned === undefined ? undefined : changeBetween(pinned, found);
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

/** Whether an ETag names these very bytes, so that it can be sent as `If-Match` (RFC 9110, 8.8.3). @internal */
export function isStrong(etag: string): boolean {
  return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag);
}

/** Which part of how large an object an answer has; `undefined` if it has none, or does not say. */
function sentRange(status: number, headers: Headers): (ByteRange & { readonly size: number }) | undefined {
  const range = headers.get('content-range') ?? '';
  // No range can be had of an object without bytes: some servers say so, others send all of it.
  const isEmpty =
    (status === 416 && range === 'bytes */0') || (status === 200 && headers.get('content-length') === '0');
  if (isEmpty) return { start: 0, end: 0, size: 0 };

  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(range)?.map(Number) ?? [];
  if (status !== 206 || first === undefined || last === undefined || size === undefined) return undefined;
  const isRange = first <= last && last < size && Number.isSafeInteger(size);
  return isRange ? { start: first, end: last + 1, size } : undefined;
}

/** What differs, in words. */
function changeBetween(pinned: Pinned, found: Pinned): string | undefined {
  if (found.size !== pinned.size) return otherSize(pinned.size, found.size);
  if (pinned.etag !== undefined) return found.etag === pinned.etag ? undefined : 'another ETag';
  return found.lastModified === pinned.lastModified ? undefined : 'another Last-Modified';
}

function otherSize(before: number, now: number): string {
  return `it had ${before} bytes, and now has ${now}`;
}

function refusalOf(status: number): [SourceErrorCode, string] {
  switch (status) {
    case 200:
      return ['ERR_SOURCE_RANGE', NO_RANGES];
    case 206:
      return ['ERR_SOURCE_RANGE', NO_SIZE];
    case 412:
      return ['ERR_SOURCE_CHANGED', CHANGED];
    case 416:
      return ['ERR_SOURCE_RANGE', `HTTP 416: ${UNSATISFIED}`];
    default:
      return ['ERR_SOURCE_STATUS', `HTTP ${status}: ${ADVICE[status] ?? otherAdvice(status)}`];
  }
}

function otherAdvice(status: number): string {
  if (isTransient(status)) return 'the server can not answer now; try again later';
  return status < 400
    ? 'the server has no part of the object for this request'
    : 'the server refuses the request';
}

function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

const UNSATISFIED_RANGE = /^bytes \*\/(\d+)$/;
const CHANGED = 'the object has changed since it was opened; make a new source to read what it is now';
const ENCODED =
  'the server sent it with a Content-Encoding, though it was asked not to: store the object without one, or have ' +
  'the server not compress it';
const NO_RANGES =
  'the server does not serve ranges (HTTP 200 to a request for a part): serve the object from one that does, or ' +
  'download it and open the file';
const NO_SIZE =
  'the server does not say which part it sent, or of how many bytes (Content-Range): serve the object from one that does';
const UNSATISFIED = 'the server has no such part of the object';

const ADVICE: Readonly<Record<number, string>> = {
  401: 'the server wants credentials: give them in `headers`, or renew them',
  403: 'access is refused: a presigned address may have expired, or the credentials in `headers` do not reach so far',
  404: 'there is nothing at this address',
  405: 'the server does not allow GET here',
  407: 'a proxy wants credentials',
  410: 'the object was removed for good',
  429: 'too many requests; try again later, or read less at a time',
};
