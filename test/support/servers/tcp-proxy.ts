// Stands between pgveil and one server, whatever protocol they speak, and is the network that fails.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The two halves of a connection. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket | null;
}

export class TcpProxy implements AsyncDisposable {
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  /** Those that nobody hears of any more. */
  readonly #lost = new Set<Pair>();
  #port = 0;
  #delayMs = 0;
  #isStalled = false;

  private constructor() {
    this.#listener = createServer((client) => this.#accept(client));
  }

  /** Listens at once, so that a server can be told of its address before it starts. */
  static async open(): Promise<TcpProxy> {
    const proxy = new TcpProxy();
    proxy.#listener.listen(0, '127.0.0.1');
    await once(proxy.#listener, 'listening');
    return proxy;
  }

  /** What connects from now on gets to this port of this machine. */
  leadTo(port: number): void {
    this.#port = port;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Every piece that comes, at most 64 kB, is passed on so much later, and the next one behind it. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Half-open: what is connected, or connects, is never heard of again, whoever waits for it. Only `pass` lets new ones through. */
  stall(): void {
    this.#isStalled = true;
    for (const pair of this.#pairs) this.#lost.add(pair);
  }

  /** Resets all connections. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server?.resetAndDestroy();
    }
  }

  /** All is well again. Of a lost connection the server has noticed it by now, as by its keepalives; the client is told nothing. */
  pass(): void {
    this.#delayMs = 0;
    this.#isStalled = false;
    for (const { server } of this.#lost) server?.resetAndDestroy();
  }

  #accept(client: Socket): void {
    const pair: Pair = { client, server: this.#isStalled ? null : connect(this.#port, '127.0.0.1') };
    this.#pairs.add(pair);
    if (this.#isStalled) this.#lost.add(pair);
    client.on('close', () => this.#end(pair));
    client.on('error', () => {}); // 'close' follows
    const { server } = pair;
    if (!server) return;
    server.on('error', () => client.resetAndDestroy()); // as where nobody listens
    server.on('close', () => {
      if (!this.#lost.has(pair)) client.destroy();
    });
    void this.#forward(pair, client, server);
    void this.#forward(pair, server, client);
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    this.#lost.delete(pair);
    pair.server?.destroy();
  }

  async #forward(pair: Pair, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const piece of from) {
        if (this.#delayMs > 0) await sleep(this.#delayMs);
        if (this.#lost.has(pair)) await once(pair.client, 'close');
        if (!to.write(piece)) await once(to, 'drain');
      }
      to.end();
    } catch {
      // One half is gone, and 'close' ends the other.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server?.destroy();
    }
  }
}
