import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Secret } from '../../../src/core/secret.ts';

/** Stands between a client and a server, and can fall silent: every connection stays open and carries nothing any more. */
export class SilentProxy implements AsyncDisposable {
  readonly url: Secret;
  /** Connections that the client has not closed. */
  readonly open = new Set<Socket>();
  readonly #server: Server;
  #silent = false;

  constructor(server: Server, target: URL) {
    this.#server = server;
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as AddressInfo).port);
    this.url = new Secret(url.href);
    server.on('connection', (client) => this.#join(client, connect(Number(target.port || 5432), target.hostname)));
  }

  static async before(target: Secret): Promise<SilentProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SilentProxy(server, new URL(target.reveal()));
  }

  fallSilent(): void {
    this.#silent = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.open) client.destroy();
    this.#server.close();
  }

  #join(client: Socket, server: Socket): void {
    this.open.add(client);
    client.on('data', (bytes) => this.#silent || server.write(bytes));
    server.on('data', (bytes) => this.#silent || client.write(bytes));
    client.on('close', () => {
      this.open.delete(client);
      server.destroy();
    });
    server.on('close', () => this.#silent || client.destroy());
    for (const socket of [client, server]) socket.on('error', () => {});
  }
}
