import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { PgveilError } from '../core/errors.ts';
import { type Address, listen } from './http.ts';
import { askRunning } from './running.ts';

/** How long the instance before may take to close its port once it has let go of the pipeline. */
const HANDOVER_MS = 10_000;
const RETRY_MS = 200;
/** How long whoever has the port may take to say who it is: on a machine that has much to do, an instance of ours, too, is slow. */
const ANSWER_MS = 10_000;

export interface Claim {
  readonly server: Server;
  readonly address: Address;
  /** The pipeline's: another instance of it may hold the port until this one takes over. */
  readonly name: string;
  readonly takenOver: Promise<void>;
  /** Told the port once the server listens. */
  readonly listening: (port: number) => void;
}

/** The port of /live, /ready, /status and /metrics. Disposing of it closes the server. */
export class Port implements Disposable {
  readonly #server: Server;
  readonly #refused = new AbortController();

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Listens at once where the port is free, and after the take-over where another instance of the same pipeline holds it.
   * Rejects with `cannot_listen` where a stranger does.
   */
  static async open(claim: Claim): Promise<Port> {
    const port = new Port(claim.server);
    const bound = await bindNow(claim);
    if (bound === null) bindAfter(claim).then(claim.listening, (error) => port.#refused.abort(error));
    else claim.listening(bound);
    return port;
  }

  /** Aborts with `cannot_listen` when the port was not to be had after the take-over. */
  get refused(): AbortSignal {
    return this.#refused.signal;
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Null where another instance of the pipeline listens there. */
async function bindNow({ server, address, name }: Claim): Promise<number | null> {
  try {
    return await listen(server, address);
  } catch {
    if (await askRunning(address, name, ANSWER_MS)) return null;
    // It may have been the instance before, which ended just now.
    return await listen(server, address);
  }
}

async function bindAfter({ server, address, takenOver }: Claim): Promise<number> {
  await takenOver;
  const deadline = performance.now() + HANDOVER_MS;
  for (;;) {
    try {
      return await listen(server, address);
    } catch (error) {
      if (!(error instanceof PgveilError) || performance.now() > deadline) throw error;
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }
}
