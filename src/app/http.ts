import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { PgveilError } from '../core/errors.ts';
import type { Metrics } from './state/metrics.ts';
import type { State } from './state/state.ts';

export interface Address {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

/** /live, /ready, /status and /metrics. Nothing here shows a value of a row or a secret: the state holds none. */
export function createHttp(state: State, metrics: Metrics): Server {
  const pages: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    '/live': () => json(200, { live: true }),
    '/ready': () => ready(state.reasons()),
    '/status': () => json(200, state.status()),
    '/metrics': async () => ({ code: 200, type: metrics.contentType, body: await metrics.text() }),
  };
  return createServer((request, response) => {
    answer(pages, request).then(
      (found) => send(response, found, request.method === 'HEAD'),
      () => response.destroy(),
    );
  });
}

/** Resolves with the port once the server listens there; rejects with `cannot_listen`. */
export function listen(server: Server, { host, port }: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'another process listens there' : (error.code ?? 'no reason given');
      reject(new PgveilError('cannot_listen', `cannot listen at ${host}:${port}: ${reason}`));
    };
    server.once('error', refused);
    server.listen(port, host, () => {
      server.off('error', refused);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

async function answer(pages: Readonly<Record<string, () => Answer | Promise<Answer>>>, request: IncomingMessage) {
  const path = (request.url ?? '/').split('?')[0]!;
  if (!Object.hasOwn(pages, path)) return json(404, { error: 'not found', pages: Object.keys(pages) });
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'only GET and HEAD' });
  return pages[path]!();
}

function ready(reasons: readonly string[]): Answer {
  return json(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
}

function json(code: number, body: unknown): Answer {
  return { code, type: 'application/json', body: `${JSON.stringify(body, null, 2)}\n` };
}

function send(response: ServerResponse, { code, type, body }: Answer, headOnly: boolean): void {
  response.writeHead(code, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(headOnly ? undefined : body);
}
