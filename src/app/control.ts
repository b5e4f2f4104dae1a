import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Config } from '../../config/config.ts';
import { PgveilError } from '../core/errors.ts';
import type { Observe } from '../core/observer.ts';

/** What a command asks of the running process: one JSON text; what comes back is `ok`. */
export interface Request {
  /** Names of tables. */
  readonly recopy: readonly string[];
}

/** No command needs more. */
const LONGEST_REQUEST = 1024 * 1024;

/** Where the process that runs this pipeline listens. */
export function controlPath({ control, name }: Pick<Config, 'control' | 'name'>): string {
  return control ?? join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `pgveil-${process.getuid?.() ?? 0}-${name}.sock`);
}

/** The Unix socket that only this user may open. Without it the pipeline runs all the same. */
export class Control implements Disposable {
  readonly #server: Server;
  readonly #path: string;
  readonly #asked: (request: Request) => void;

  /** Listens once the pipeline is taken over. */
  constructor(path: string, takenOver: Promise<void>, asked: (request: Request) => void, observe: Observe) {
    this.#path = path;
    this.#asked = asked;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#answer(socket).catch(() => socket.destroy());
    });
    this.#server.unref();
    takenOver
      .then(() => this.#open())
      .catch(({ message }: Error) => {
        observe({ type: 'step', message: `no command can be given to this process: ${message}` });
      });
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }

  async #open(): Promise<void> {
    await removeDead(this.#path);
    const listening = once(this.#server, 'listening');
    const mask = process.umask(0o177);
    try {
      this.#server.listen(this.#path);
    } finally {
      process.umask(mask);
    }
    await listening;
  }

  async #answer(socket: Socket): Promise<void> {
    let request = '';
    for await (const piece of socket.setEncoding('utf8')) {
      request += piece;
      if (request.length > LONGEST_REQUEST) return void socket.destroy();
    }
    this.#asked(JSON.parse(request));
    socket.end('ok');
  }
}

/** What an instance left behind that was killed. Whatever else is there stays, and listening fails. */
async function removeDead(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (!found?.isSocket()) return;
  const socket = createConnection(path);
  const isAlive = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  if (!isAlive) await rm(path, { force: true });
}

/** Rejects with `not_running` where nobody takes the request. */
export async function askControl(path: string, request: Request): Promise<void> {
  const socket = createConnection({ path, allowHalfOpen: true });
  try {
    await once(socket, 'connect');
    socket.end(JSON.stringify(request));
    if ((await text(socket)) === 'ok') return;
  } catch {
    // Told below, whatever it was.
  }
  socket.destroy();
  throw new PgveilError('not_running', `nobody answers at ${path}`);
}
