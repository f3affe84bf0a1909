// A sealed stream on a web server, read by ranges.

import type { ByteRange } from '../../native/binding';
import { untilAborted } from '../internal/abort';
import { rangeError, typeError } from '../api/errors';
import { checkedAnswer, isStrong, type Pinned } from './http-answer';
import { discard, Part, receive } from './http-body';
import { retrying, TransientFailure } from './http-retry';
import { checkedInteger, checkedOptions } from '../internal/options';
import { networkError } from './source-error';
import { HEAD, type RandomAccessSource } from './sources';

/** Headers as an object, as pairs, or as a `Headers`. */
export type HttpHeaders = Headers | Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** How to read over HTTP. */
export interface HttpSourceOptions {
  /**
   * Headers for every request, such as `Authorization`; or a function that makes them, called for every request, so that
   * tokens stay fresh. `Authorization` and `Cookie` are not sent on where a redirect leads to another origin; headers of
   * other names are. The ones that say which bytes are wanted (`Range`, `If-Match` and the like, `Accept-Encoding`) are
   * not to be set.
   */
  headers?: HttpHeaders | (() => HttpHeaders | Promise<HttpHeaders>) | undefined;
  /** What makes the requests, in place of the global `fetch`. */
  fetch?: typeof fetch | undefined;
  /**
   * How often a read is tried again, 0 to 100; 4 by default. It is where there is no connection or it breaks off, going
   * on with the bytes that are missing, and at the statuses 408, 425, 429 and 5xx; after a time that doubles, or after
   * what `Retry-After` says, at most a minute.
   */
  retries?: number | undefined;
}

/**
 * A sealed stream on a web server, or in an object store behind a presigned address, to be read by ranges: only what is
 * needed is requested.
 *
 * The object must stay the same while it is read: a strong `ETag` is sent back as `If-Match`, and every answer is compared
 * with the first one, by `ETag`, or where there is none by `Last-Modified`, and by size. Only GET is used, since
 * presigned addresses allow nothing else. There is no time limit but that of `fetch`: pass a `signal` to the reader.
 *
 * Reading rejects with a {@link SourceError}, or with the signal's reason, or with what `headers` threw.
 *
 * @param url An `http:` or `https:` address. Messages show it without its query.
 * @throws TypeError or RangeError for wrong arguments.
 *
 * @example
 * const source = httpSource(url, { headers: async () => ({ Authorization: `Bearer ${await token()}` }) });
 * const reader = await open(source, { key });
 */
export function httpSource(url: string | URL, options: HttpSourceOptions = {}): RandomAccessSource {
  const { headers, fetch: given, retries = DEFAULT_RETRIES } = checkedOptions(options, OPTIONS);
  if (given !== undefined && typeof given !== 'function') throw typeError('fetch', 'a function', given);
  const fixed = typeof headers === 'function' ? undefined : checkedHeaders(headers);
  const object = new RemoteObject(
    checkedUrl(url),
    typeof headers === 'function' ? headers : () => fixed ?? {},
    // Looked up at each request, as a program that replaces the global one expects.
    given ?? ((...request) => fetch(...request)),
    checkedInteger('retries', retries, 0, MOST_RETRIES),
  );
  return {
    size: (signal) => object.size(signal),
    read: (offset, length, signal) => object.read(offset, length, signal),
  };
}

/** An object on a server, and what is known of it. */
class RemoteObject {
  readonly #url: URL;
  readonly #headers: () => HttpHeaders | Promise<HttpHeaders>;
  readonly #fetch: typeof fetch;
  readonly #retries: number;
  /** The address without what may be secret. */
  readonly #name: string;
  /** What the first answer said. */
  #pinned: Pinned | undefined;
  /** The bytes that came with it. */
  #head: Uint8Array | undefined;

  constructor(
    url: URL,
    headers: () => HttpHeaders | Promise<HttpHeaders>,
    request: typeof fetch,
    retries: number,
  ) {
    this.#url = url;
    this.#headers = headers;
    this.#fetch = request;
    this.#retries = retries;
    this.#name = `${url.origin}${url.pathname}`;
  }

  async size(signal: AbortSignal): Promise<number> {
    const { size } = await this.#opened(signal);
    return size;
  }

  async read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    const { size, head } = await this.#opened(signal);
    checkedInteger('offset', offset, 0, size);
    checkedInteger('length', length, 0, size - offset);
    const known = head.subarray(offset, offset + length);
    if (known.length === length) return known.slice();
    const { bytes } = await this.#transfer({ start: offset, end: offset + length }, known, signal);
    return bytes;
  }

  async #opened(signal: AbortSignal): Promise<{ size: number; head: Uint8Array }> {
    if (this.#pinned !== undefined && this.#head !== undefined) {
      return { size: this.#pinned.size, head: this.#head };
    }
    const { bytes, size } = await this.#transfer({ start: 0, end: HEAD }, new Uint8Array(), signal);
    this.#head = bytes;
    return { size, head: bytes };
  }

  /** Requests what follows the `known` bytes of a span, and again what is missing of it when a connection breaks off. */
  #transfer(
    { start, end }: ByteRange,
    known: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ bytes: Uint8Array; size: number }> {
    let part: Part | undefined;
    const attempt = async () => {
      const wanted = { start: start + (part?.filled ?? known.length), end };
      const response = await this.#request(wanted, signal);
      const { size } = this.#checked(response, wanted);
      part ??= new Part(Math.min(end, size) - start, known);
      await receive(this.#name, response, part, signal);
      return { bytes: part.bytes, size };
    };
    return retrying(attempt, this.#retries, signal);
  }

  async #request({ start, end }: ByteRange, signal: AbortSignal): Promise<Response> {
    const given = Promise.resolve().then(() => this.#headers());
    const headers = checkedHeaders(await untilAborted(given, signal));
    headers.set('Range', `bytes=${start}-${end - 1}`);
    headers.set('Accept-Encoding', 'identity');
    const etag = this.#pinned?.etag;
    if (etag !== undefined && isStrong(etag)) headers.set('If-Match', etag);

    const answer = Promise.resolve(this.#fetch(this.#url.href, { headers, signal }));
    try {
      return await untilAborted(answer, signal);
    } catch (cause) {
      // A replacement of `fetch` may answer all the same.
      answer.then(discard, () => undefined);
      throw new TransientFailure(networkError(this.#name, 'the server could not be reached', cause));
    }
  }

  #checked(response: Response, wanted: ByteRange): Pinned {
    try {
      const found = checkedAnswer(this.#name, response, wanted, this.#pinned);
      return (this.#pinned ??= found);
    } catch (error) {
      discard(response);
      throw error;
    }
  }
}

/** The address, which must be one that `fetch` takes: its own errors would show all of it. */
function checkedUrl(url: unknown): URL {
  if (typeof url !== 'string' && !(url instanceof URL)) throw typeError('url', 'a string or a URL', url);
  if (!URL.canParse(String(url))) throw rangeError('url', 'must be an absolute http: or https: address');
  const parsed = new URL(String(url));
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw rangeError('url', `must be an http: or https: address, not one of ${parsed.protocol}`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw rangeError('url', 'must have no user name or password: give an Authorization header in `headers`');
  }
  return parsed;
}

/** A copy of them. The errors of `Headers` would show their values. */
function checkedHeaders(given: HttpHeaders = {}): Headers {
  let headers: Headers;
  try {
    headers = new Headers(given as ConstructorParameters<typeof Headers>[0]);
  } catch {
    throw typeError('headers', 'names and values that HTTP allows', given, 'others');
  }
  for (const name of OWN_HEADERS) {
    if (headers.has(name)) throw rangeError('headers', `must not have ${name}, which the source sets`);
  }
  return headers;
}

const DEFAULT_RETRIES = 4;
const MOST_RETRIES = 100;
const OPTIONS: ReadonlySet<string> = new Set(['fetch', 'headers', 'retries']);
const OWN_HEADERS = [
  'Accept-Encoding',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'If-Unmodified-Since',
  'Range',
];
