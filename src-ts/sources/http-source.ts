// Reads a sealed stream on a web server by ranges.

import { untilAborted } from '../internal/abort';
import { GrowingBuffer } from '../internal/bytes';
import { rangeError, typeError } from '../internal/errors';
import { optionsBy } from '../internal/option-tables';
import { anything, callback, type Check, integer } from '../internal/options';
import { nullPrototype } from '../internal/null-prototype';
import type { Span } from '../internal/span';
import { checkAnswer, isStrong, type ObjectState } from './http-answer';
import { discard, receive, TransientFailure, withRetries } from './http-transfer';
import { networkError } from './source-error';
import { HEAD_SIZE, type RandomAccessSource } from './sources';

/** Headers as an object, as pairs, or as a `Headers`. */
export type HttpHeaders = Headers | Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** Options of {@link httpSource}. */
export interface HttpSourceOptions {
  /**
   * Headers for every request, such as `Authorization`; or a function that returns them, called for every request, so that tokens stay
   * valid. When a redirect leads to another origin, `Authorization` and `Cookie` are not sent there; other headers are. The headers
   * that select the bytes (`Range`, `If-Match` and the like, `Accept-Encoding`) must not be set.
   */
  headers?: HttpHeaders | (() => HttpHeaders | Promise<HttpHeaders>) | undefined;
  /** A function that makes the requests, in place of the global `fetch`. */
  fetch?: typeof fetch | undefined;
  /**
   * How often a read is repeated, 0 to 100; 4 by default. It is repeated if there is no connection, if the connection breaks off (for
   * the missing bytes), and at the statuses 408, 425, 429 and 5xx. The delay doubles each time; `Retry-After` replaces it, up to a
   * minute.
   */
  retries?: number | undefined;
}

/**
 * Returns a source that reads a sealed stream on a web server, or in an object store through a presigned address, by ranges: it requests
 * only the needed bytes.
 *
 * The object must not change while it is read. A strong `ETag` is sent back as `If-Match`, and every answer is compared with the first:
 * by `ETag`, or else by `Last-Modified`, and by size. Only GET is used, since presigned addresses allow nothing else. The only time limit
 * is that of `fetch`: pass a `signal` to the reader.
 *
 * Reading rejects with a {@link SourceError}, with the signal's reason, or with what `headers` threw.
 *
 * @param url An `http:` or `https:` address. Messages show it without its query.
 * @param options Headers, the function that makes the requests, and retries.
 * @returns A source for {@link openReader} and {@link decryptSegments}.
 * @throws TypeError or RangeError for wrong arguments.
 *
 * @example
 * const source = httpSource(url, { headers: async () => ({ Authorization: `Bearer ${await token()}` }) });
 * const reader = await openReader(source, { key });
 */
export function httpSource(url: string | URL, options: HttpSourceOptions = {}): RandomAccessSource {
  const { headers, fetch: given, retries = 4 } = optionsBy('httpSource', options, HTTP);
  const fixed = typeof headers === 'function' ? undefined : checkedHeaders(headers);
  const object = new RemoteObject(
    checkedUrl(url),
    typeof headers === 'function' ? headers : () => fixed ?? {},
    // Looked up for each request, since a program may replace the global one.
    given ?? ((...request) => fetch(...request)),
    retries,
  );
  return {
    size: async (signal) => (await object.opened(signal)).size,
    read: (offset, length, signal) => object.read(offset, length, signal),
  };
}

/** An object on a server. */
class RemoteObject {
  /** The address without its query, which may be secret. */
  readonly #name: string;
  /** What the first answer said. */
  #state: ObjectState | undefined;
  /** The bytes of the first answer. */
  #head: Uint8Array | undefined;

  constructor(
    readonly url: URL,
    readonly headers: () => HttpHeaders | Promise<HttpHeaders>,
    readonly request: typeof fetch,
    readonly retries: number,
  ) {
    this.#name = `${url.origin}${url.pathname}`;
  }

  async read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    const { size, head } = await this.opened(signal);
    integer(0, size)('offset', offset);
    integer(0, size - offset)('length', length);
    const known = head.subarray(offset, offset + length);
    if (known.length === length) return new Uint8Array(known);
    return this.#transfer({ start: offset, end: offset + length }, known, signal);
  }

  /** The object's size, and its first bytes. */
  async opened(signal: AbortSignal): Promise<{ size: number; head: Uint8Array }> {
    const head = (this.#head ??= await this.#transfer({ start: 0, end: HEAD_SIZE }, EMPTY, signal));
    return { size: this.#state?.size ?? 0, head };
  }

  /** Requests the bytes of a range after the `known` ones, and again the missing ones if a connection breaks off. */
  #transfer({ start, end }: Span, known: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    let part: GrowingBuffer | undefined;
    const attempt = async () => {
      const wanted = { start: start + (part?.filled ?? known.length), end };
      const response = await this.#request(wanted, signal);
      const { size } = this.#checkedState(response, wanted);
      part ??= new GrowingBuffer(Math.min(end, size) - start, known);
      await receive(this.#name, response, part, signal);
      return part.bytes;
    };
    return withRetries(attempt, this.retries, signal);
  }

  async #request({ start, end }: Span, signal: AbortSignal): Promise<Response> {
    const given = Promise.resolve().then(() => this.headers());
    const headers = checkedHeaders(await untilAborted(given, signal));
    headers.set('Range', `bytes=${start}-${end - 1}`);
    headers.set('Accept-Encoding', 'identity');
    const etag = this.#state?.etag;
    if (etag !== undefined && isStrong(etag)) headers.set('If-Match', etag);

    const answer = Promise.resolve(
      this.request(this.url.href, nullPrototype({ method: 'GET', headers, signal })),
    );
    try {
      return await untilAborted(answer, signal);
    } catch (cause) {
      // A replacement of `fetch` may ignore the signal and answer later.
      answer.then(discard, () => undefined);
      throw new TransientFailure(networkError(this.#name, 'the server could not be reached', cause));
    }
  }

  #checkedState(response: Response, wanted: Span): ObjectState {
    try {
      const found = checkAnswer(this.#name, response, wanted, this.#state);
      return (this.#state ??= found);
    } catch (error) {
      discard(response);
      throw error;
    }
  }
}

/** Checks the address. The errors of `fetch` would show all of it. */
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

/** Checks and copies headers. The errors of `Headers` would show their values. */
function checkedHeaders(given: HttpHeaders = {}): Headers {
  let headers: Headers;
  try {
    headers = new Headers(given as ConstructorParameters<typeof Headers>[0]);
  } catch {
    throw typeError('headers', 'names and values that HTTP allows', given, 'others');
  }
  const reserved = [...headers.keys()].find((name) => RESERVED.test(name));
  if (reserved === undefined) return headers;
  throw rangeError('headers', `must not have ${reserved}, which the source sets`);
}

const EMPTY = new Uint8Array();
const HTTP = {
  fetch: callback as Check<typeof fetch>,
  headers: anything<HttpSourceOptions['headers']>,
  retries: integer(0, 100),
};
const RESERVED = /^(?:accept-encoding|range|if-(?:match|none-match|range|modified-since|unmodified-since))$/;
