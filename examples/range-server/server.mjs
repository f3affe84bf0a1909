// Serves the plaintext of the sealed files in a folder, whole or by ranges, so that players can seek.
//
//     node server.mjs FOLDER KEY_FILE [PORT]
//
// NAME.seal is served as /NAME. There is no access control: every client can read everything.

import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

import { SecretKey } from 'sealstream';

import { page } from './page.mjs';
import { Readers } from './readers.mjs';

/** A server for the sealed files of `folder`. */
export function rangeServer(folder, key) {
  const readers = new Readers(key);
  const server = createServer(async (request, response) => {
    try {
      const name = fileName(request.url);
      if (request.method !== 'GET' && request.method !== 'HEAD')
        answer(response, 405, { Allow: 'GET, HEAD' });
      else if (name === undefined) answer(response, 404);
      else if (name === '') await sendPage(folder, response);
      else await readers.use(join(folder, `${name}.seal`), (reader) => send(reader, name, request, response));
    } catch (error) {
      if (error.code?.startsWith('ERR_STREAM_')) return; // the client disconnected, as players do when they seek
      if (error.code === 'ENOENT') return answer(response, 404);
      console.error(request.method, request.url, error.message);
      // A client that already has a part of the answer must notice that the rest is missing.
      if (response.headersSent) response.destroy();
      else answer(response, 500);
    }
  });
  return server.on('close', () => readers.close());
}

/** Answers with a file, or with the requested range of it. */
async function send(reader, name, { method, headers }, response) {
  const { size } = reader;
  const etag = `"${reader.streamId}"`; // every sealing has a new id
  const common = { 'Accept-Ranges': 'bytes', 'Cache-Control': 'private, no-cache', ETag: etag };
  if (headers['if-match'] && !lists(headers['if-match'], etag)) return answer(response, 412, common);
  if (headers['if-none-match'] && lists(headers['if-none-match'], etag, `W/${etag}`))
    return answer(response, 304, common);

  const isOfThis = headers['if-range'] === undefined || headers['if-range'] === etag;
  const range = method === 'GET' && isOfThis ? parseRange(headers.range, size) : undefined;
  if (range === null) return answer(response, 416, { ...common, 'Content-Range': `bytes */${size}` });

  const { start, end } = range ?? { start: 0, end: size - 1 };
  const fields = {
    ...common,
    ...(range && { 'Content-Range': `bytes ${start}-${end}/${size}` }),
    'Content-Length': end - start + 1,
    'Content-Type': CONTENT_TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream',
    'X-Content-Type-Options': 'nosniff',
  };
  if (method === 'HEAD' || size === 0) return response.writeHead(range ? 206 : 200, fields).end();

  const body = reader.createReadStream({ start, end });
  // Waits for the first piece before the answer begins, so that damage in it can still become a 500.
  await once(body, 'readable');
  response.writeHead(range ? 206 : 200, fields);
  // When the client disconnects, pipeline destroys the stream, and reading stops.
  return pipeline(body, response);
}

/**
 * The first and the last byte that a Range header requests. `null` if the file has none of them. `undefined` for the whole file,
 * and for several ranges or an invalid one, as RFC 9110 allows.
 */
export function parseRange(header = '', size) {
  const [, first = '', last = ''] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header) ?? [];
  if (first === '' && last === '') return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;

  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start > end ? null : { start, end };
}

/** The name of a file directly in the folder, not hidden. '' for the index page. */
function fileName(url) {
  try {
    const name = decodeURIComponent(new URL(`http://localhost${url}`).pathname.slice(1));
    return /^$|^[^./\\:\0][^/\\:\0]*$/.test(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an If-Match or If-None-Match header lists this ETag. */
function lists(header, ...tags) {
  return header.split(',').some((one) => ['*', ...tags].includes(one.trim()));
}

async function sendPage(folder, response) {
  const sealed = (await readdir(folder)).filter((name) => name.endsWith('.seal'));
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end(page(sealed.map((name) => name.slice(0, -'.seal'.length))));
}

function answer(response, status, headers) {
  response.writeHead(status, headers).end();
}

const CONTENT_TYPES = {
  '.jpg': 'image/jpeg',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
  '.webm': 'video/webm',
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, keyFile, port = '8080'] = process.argv.slice(2);
  if (keyFile === undefined) throw new Error('node server.mjs FOLDER KEY_FILE [PORT]');
  const server = rangeServer(folder, await SecretKey.fromFile(keyFile));
  server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/`));
}
