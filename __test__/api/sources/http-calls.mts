// Reads over HTTP from a real server that answers correctly, wrongly, or not at all.

import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';

import { httpSource, SourceError, type HttpSourceOptions } from 'sealstream';

import { pattern } from '../support/bytes.mjs';
import { errorOf } from '../support/errors.mjs';
import { type RangeServer } from '../support/range-server.mjs';

export const bytes = pattern(20_000);
export const never = new AbortController().signal;

/** A source as a reader sees it. */
export function reading(url: string, options?: HttpSourceOptions) {
  const source = httpSource(url, options);
  const { size } = source;
  if (typeof size === 'number') throw new TypeError('the size is not known before it is asked for');
  return {
    size: (signal = never) => size(signal),
    read: (offset: number, length: number, signal = never) => source.read(offset, length, signal),
  };
}

export async function sourceError(call: () => unknown): Promise<SourceError> {
  const error = await errorOf(call);
  if (!(error instanceof SourceError)) throw new Error(`expected a SourceError, not ${inspect(error)}`);
  return error;
}

/** Answers the request of this number, counted from 1, in another way than the ordinary one. */
export function onlyAt(number: number, answer: (response: ServerResponse) => void): RangeServer['answer'] {
  return (_, response, count) => {
    if (count !== number) return false;
    answer(response);
    return true;
  };
}

/** Answers always with the same. */
export function always(
  status: number,
  headers: Record<string, string> = {},
  body = '',
): RangeServer['answer'] {
  return (_, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };
}
