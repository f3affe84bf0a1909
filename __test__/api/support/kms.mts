// Clients of AWS KMS, and servers that answer them as they are told.

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';
import type { ExecutionContext } from 'ava';

/** A client of the server at `endpoint`. It tries once, unless told otherwise. */
export function kmsClient(t: ExecutionContext, endpoint: string, config: KMSClientConfig = {}): KMSClient {
  const client = new KMSClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    maxAttempts: 1,
    ...config,
  });
  t.teardown(() => {
    client.destroy();
  });
  return client;
}

/** A command as KMS gets it, bytes in Base64. */
export interface KmsRequest {
  /** `Encrypt` or `Decrypt`. */
  readonly command: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What a server says: a body, or the name and message of one of KMS's errors. */
export type KmsAnswer = Record<string, unknown> | { error: string; message?: string; status?: number };

/** A server that answers as KMS does, with what `answer` makes of each request; and what it was asked. */
export async function kmsAnswering(
  t: ExecutionContext,
  answer: (request: KmsRequest) => KmsAnswer,
): Promise<{ url: string; requests: KmsRequest[] }> {
  const requests: KmsRequest[] = [];
  const respond = async (request: IncomingMessage) => {
    const [, command = ''] = String(request.headers['x-amz-target']).split('.');
    const asked = { command, input: JSON.parse(await text(request)) as KmsRequest['input'] };
    requests.push(asked);
    return answer(asked);
  };
  const server = createServer((request, response) => {
    void respond(request).then((said) => {
      const { error, message, status } = said as { error?: string; message?: string; status?: number };
      const body = error === undefined ? said : { __type: error, ...(message !== undefined && { message }) };
      response
        .writeHead(error === undefined ? 200 : (status ?? 400), {
          'Content-Type': 'application/x-amz-json-1.1',
        })
        .end(JSON.stringify(body));
    });
  });
  const url = await listening(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url, requests };
}

/** A server that takes connections and says nothing. `left` is settled when a client has gone. */
export async function silentServer(t: ExecutionContext): Promise<{ url: string; left: Promise<unknown> }> {
  const server = createTcpServer();
  const left = once(server, 'connection').then(async ([socket]: unknown[]) => {
    const connection = socket as Socket;
    t.teardown(() => {
      connection.destroy();
    });
    // Without a reader its end would not show.
    connection.resume().on('error', () => undefined);
    await once(connection, 'close');
  });
  const url = await listening(server);
  t.teardown(() => {
    server.close();
  });
  return { url, left };
}

/** An address without a server. */
export async function closedPort(): Promise<string> {
  const server = createTcpServer();
  const url = await listening(server);
  server.close();
  await once(server, 'close');
  return url;
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
