// Stands between a test and its S3 server, and spoils what the test wants spoiled.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * `busy`: answered with 503, never forwarded. `lost`: carried out by the server, and the connection is reset instead of an answer.
 * `slow`: forwarded after a second. `half`: of what is answered the first half comes, and then nothing more.
 */
export type Spoil = 'busy' | 'lost' | 'slow' | 'half' | null;

const SLOW_MS = 1_000;

export class S3Proxy implements AsyncDisposable {
  /** Asked for each request; what it spoils it may count. */
  spoil: (method: string, url: string) => Spoil = () => null;
  readonly #server: Server;

  private constructor(target: URL) {
    this.#server = createServer((incoming, answer) => {
      const spoil = this.spoil(incoming.method!, incoming.url!);
      if (spoil === 'busy') {
        incoming.resume();
        answer.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
        return;
      }
      // The Host header stays as it is: it is part of what the client signed.
      const { method, url: path, headers } = incoming;
      const forwarded = request({ host: target.hostname, port: target.port, method, path, headers });
      setTimeout(() => incoming.pipe(forwarded), spoil === 'slow' ? SLOW_MS : 0);
      forwarded.on('error', () => answer.destroy());
      forwarded.on('response', (answered: IncomingMessage) => {
        if (spoil === 'lost') return void answered.resume().on('end', () => incoming.socket.resetAndDestroy());
        answer.writeHead(answered.statusCode!, answered.headers);
        if (spoil === 'half') {
          return void answered.once('data', (piece: Buffer) => answer.write(piece.subarray(0, piece.length / 2)));
        }
        answered.pipe(answer);
      });
    });
  }

  static async before(endpoint: string): Promise<S3Proxy> {
    const proxy = new S3Proxy(new URL(endpoint));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
