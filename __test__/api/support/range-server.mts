// A web server that serves one object by ranges, and can be made to do it badly.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { ExecutionContext } from 'ava';

/** What a server is asked, and how it answers in place of the ordinary answer; `false` to leave it to that. */
export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => boolean;

/** A server that runs until the test ends. */
export interface RangeServer {
  /** With a query, which is secret. */
  readonly url: string;
  /** What was asked for, in order. */
  readonly requests: IncomingMessage[];
  /** The object, which a test may change. */
  object: { bytes: Uint8Array; headers: Record<string, string> };
  /** How to answer in place of the ordinary answer. */
  answer: Answer;
}

export async function rangeServer(
  t: ExecutionContext,
  bytes: Uint8Array,
  answer: Answer = () => false,
): Promise<RangeServer> {
  const server = createServer((request, response) => {
    served.requests.push(request);
    response.on('error', () => undefined);
    if (!served.answer(request, response, served.requests.length)) serve(served.object, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const served: RangeServer = {
    url: `http://127.0.0.1:${port}/store/a%20b.seal?X-Amz-Signature=SECRET`,
    requests: [],
    object: { bytes, headers: { ETag: '"v1"' } },
    answer,
  };
  return served;
}

/** The ranges that were asked for. */
export function ranges({ requests }: RangeServer): (string | undefined)[] {
  return requests.map(({ headers }) => headers.range);
}

/** Answers with the bytes from `start` to `end`, exclusive, in the name of whichever range. */
export function partial(
  response: ServerResponse,
  { bytes, headers }: RangeServer['object'],
  [start, end]: readonly [number, number],
  other: Record<string, string> = {},
): void {
  response
    .writeHead(206, {
      'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}`,
      'Content-Length': String(end - start),
      ...headers,
      ...other,
    })
    .end(bytes.subarray(start, end));
}

/** The range that a request asks for, within the object. */
export function asked(request: IncomingMessage, size: number): [number, number] {
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  return [Number(first), Math.min(Number(last) + 1, size)];
}

function serve(object: RangeServer['object'], request: IncomingMessage, response: ServerResponse): void {
  const { bytes, headers } = object;
  const condition = request.headers['if-match'];
  if (condition !== undefined && condition !== headers['ETag']) {
    response.writeHead(412).end('precondition failed');
    return;
  }
  const [start, end] = asked(request, bytes.length);
  if (start >= end) {
    response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end('no such range');
    return;
  }
  partial(response, object, [start, end]);
}
