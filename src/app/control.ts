import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import { type ErrorCode, PgveilError } from '../core/errors.ts';
import type { Observe } from '../core/observer.ts';
import type { Approval } from '../core/redactor.ts';
import type { Command, Desk } from '../pipeline/desk.ts';

/** What is asked, as one JSON text. */
type Request = Command | { /** A table: what of it is to be approved. */ readonly show: string };

/** What comes back, as another: that it is done, or why it is not. */
interface Answer {
  readonly approval?: Approval;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly fix: string };
}

/** So often one is tried that somebody has: the instance before, which may take a while to let go of it. */
const RETRY_MS = 500;

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
  readonly #desk: Desk;
  readonly #tables: ReadonlyMap<string, unknown>;
  readonly #observe: Observe;
  #isOver = false;

  /** Listens once the pipeline is taken over. `tables`: those that it runs with. */
  constructor(
    path: string,
    takenOver: Promise<void>,
    desk: Desk,
    tables: ReadonlyMap<string, unknown>,
    observe: Observe,
  ) {
    this.#path = path;
    this.#desk = desk;
    this.#tables = tables;
    this.#observe = observe;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#answer(socket).catch(() => socket.destroy());
    });
    this.#server.unref();
    takenOver.then(
      () => this.#open(),
      () => {}, // it ends, which everybody hears
    );
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#server.close();
  }

  async #open(): Promise<void> {
    let isTold = false;
    while (!this.#isOver) {
      try {
        return await this.#listen();
      } catch (error) {
        const message = `the control socket cannot be opened: ${(error as Error).message}`;
        if (!isTold) this.#observe({ type: 'step', message });
        isTold = true;
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  async #listen(): Promise<void> {
    await removeDead(this.#path);
    if (this.#isOver) return;
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
    socket.end(JSON.stringify(await this.#answerTo(JSON.parse(request))));
  }

  async #answerTo(request: Request): Promise<Answer> {
    try {
      for (const table of tablesOf(request)) this.#require(table);
      if ('show' in request) return { approval: await this.#desk.clerk.approval(request.show) };
      await this.#desk.clerk.take(request);
      return {};
    } catch (error) {
      if (!(error instanceof PgveilError)) throw error;
      const { code, message, fix } = error;
      return { error: { code, message, fix } };
    }
  }

  /** Whoever asks may have read a newer configuration. */
  #require(table: string): void {
    if (this.#tables.has(table)) return;
    const fix = 'Restart it: tables added to the configuration are copied then.';
    throw new PgveilError('command_line', `the running process has no table ${table}`, { fix });
  }
}

function tablesOf(request: Request): readonly string[] {
  return 'show' in request ? [request.show] : [...request.recopy, ...request.approve.map(({ table }) => table)];
}

/** What an instance left behind that was killed. Whatever else is there stays, and listening fails. */
async function removeDead(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isSocket() && !(await isHeard(path))) await rm(path, { force: true });
}

/** Whether a process listens there, also one that is too busy to answer. */
export async function isHeard(path: string): Promise<boolean> {
  const socket = createConnection(path);
  const isAlive = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isAlive;
}

/** Resolves when the process that runs the pipeline has done it durably. Rejects with why it did not, or with `not_running`. */
export async function askControl(path: string, command: Command): Promise<void> {
  await answerOf(path, command, command);
}

/** What of the table is to be approved. Rejects likewise. */
export async function askApproval(path: string, table: string): Promise<Approval> {
  const instead = { recopy: [], approve: [{ table, hash: 'HASH' }] };
  return (await answerOf(path, { show: table }, instead)).approval!;
}

/** `command`: what a start would be given where nobody runs. */
async function answerOf(path: string, request: Request, command: Command): Promise<Answer> {
  const { error, ...answer } = await exchange(path, request).catch((): Answer => {
    const fix = `Start it with the same request: pgveil run ${flagsOf(command)}`;
    return { error: { code: 'not_running', message: `nobody answers at ${path}`, fix } };
  });
  if (error) throw new PgveilError(error.code, error.message, { fix: error.fix });
  return answer;
}

async function exchange(path: string, request: Request): Promise<Answer> {
  const socket = createConnection({ path, allowHalfOpen: true });
  try {
    await once(socket, 'connect');
    socket.end(JSON.stringify(request));
    return JSON.parse(await text(socket)) as Answer;
  } finally {
    socket.destroy();
  }
}

/** For a shell. */
function flagsOf({ recopy, approve }: Command): string {
  const flags = [
    ...recopy.map((table) => `--recopy '${table}'`),
    ...approve.map(({ table, hash }) => `--approve '${table}@${hash}'`),
  ];
  return flags.join(' ');
}
