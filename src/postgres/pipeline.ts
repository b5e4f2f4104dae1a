import type { Client, Connection, Submittable } from 'pg';
import type { PgveilError } from '../core/errors.ts';

/** What a statement did: how many rows it touched or returned, and the first value that it returned. */
export interface Outcome {
  readonly rows: number;
  readonly value: string | null;
}

/** A statement under a name, which the server keeps ready; '' is the name of what is used once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** The server has yet to prepare it. */
  readonly isNew: boolean;
}

/** A value in the binary form of its type, or as text. */
export type Parameter = Buffer | string | null;

/** What the server said to a statement, as an error of ours. */
export type Explain = (thrown: unknown) => PgveilError;

/** COPY … FROM STDIN, fed piece by piece; a piece may end inside a row. */
export interface CopyIn {
  /** Resolves when the memory is free again; rejects with what the server said as soon as it is known. */
  write(bytes: Buffer): Promise<void>;
  /** Ends the data; resolves when all of it is in, with how many rows that were. */
  end(): Promise<Outcome>;
}

/**
 * Statements on one connection, sent without waiting for the answers to those before: libpq calls it pipeline mode. The server has
 * always something to do, and a transaction of one row costs one round trip instead of four. When a statement fails, what was sent
 * behind it comes to nothing, a COMMIT too, and is rejected with the same error.
 *
 * The driver's own pipeline mode knows no COPY, and its parameters are copied twice before the socket gets them.
 */
export class Pipeline {
  readonly #client: Client;
  readonly #explain: Explain;
  #stretch: Stretch | null = null;

  /** `explain` is for what is said to no statement: the end of the connection, where all were answered. */
  constructor(client: Client, explain: Explain) {
    this.#client = client;
    this.#explain = explain;
  }

  /** Sends a statement. Rejects with what `explain` makes of the server's words. */
  execute(statement: Statement, parameters: readonly Parameter[], explain: Explain): Promise<Outcome> {
    return this.#open().execute(statement, parameters, explain);
  }

  /** Nothing else may be executed before its end. */
  copy(sql: string, explain: Explain): CopyIn {
    const stretch = this.#open();
    const outcome = stretch.execute({ name: '', text: sql, isNew: true }, [], explain);
    return {
      write: (bytes) => stretch.copyData(bytes),
      end: () => {
        stretch.copyDone();
        return outcome;
      },
    };
  }

  /** Resolves when everything that was sent is answered. The connection may be used by others only then. */
  async sync(): Promise<void> {
    const stretch = this.#stretch;
    this.#stretch = null;
    await stretch?.sync();
  }

  #open(): Stretch {
    if (!this.#stretch) {
      this.#stretch = new Stretch(this.#explain);
      this.#client.query(this.#stretch);
    }
    return this.#stretch;
  }
}

/** A statement that is not answered yet. */
interface Step {
  readonly explain: Explain;
  readonly settle: PromiseWithResolvers<Outcome>;
  value: string | null;
}

/** What is sent between two syncs: one query as far as the driver knows. */
class Stretch implements Submittable {
  #connection: Connection | null = null;
  readonly #unsent: ((connection: Connection) => void)[] = [];
  readonly #steps: Step[] = [];
  /** What the socket has not taken yet. */
  readonly #untaken = new Set<PromiseWithResolvers<void>>();
  readonly #synced = Promise.withResolvers<void>();
  readonly #explain: Explain;
  #failure: PgveilError | null = null;
  #isSynced = false;

  constructor(explain: Explain) {
    this.#explain = explain;
    this.#synced.promise.catch(() => {}); // Told by the steps as well.
  }

  /** Called by the driver at once where the connection is free, and never where it is gone. */
  submit(connection: Connection): void {
    this.#connection = connection;
    for (const send of this.#unsent.splice(0)) send(connection);
  }

  execute({ name, text, isNew }: Statement, parameters: readonly Parameter[], explain: Explain): Promise<Outcome> {
    const settle = Promise.withResolvers<Outcome>();
    settle.promise.catch(() => {}); // Told to whoever waits for it, and nobody has to.
    if (this.#failure) {
      settle.reject(this.#failure);
      return settle.promise;
    }
    this.#steps.push({ explain, settle, value: null });
    this.#send((connection) => {
      if (isNew) connection.parse({ name, text, types: [] }, true);
      for (const piece of bindMessage(name, parameters)) connection.stream.write(piece);
      connection.execute({ portal: '' }, true);
      connection.flush();
    });
    return settle.promise;
  }

  async copyData(bytes: Buffer): Promise<void> {
    if (this.#failure) throw this.#failure;
    const head = Buffer.alloc(5);
    head.write('d');
    head.writeUInt32BE(4 + bytes.length, 1);
    const taken = Promise.withResolvers<void>();
    this.#untaken.add(taken);
    this.#send(({ stream }) => {
      stream.write(head);
      stream.write(bytes, () => this.#taken(taken));
    });
    await taken.promise;
  }

  copyDone(): void {
    this.#send((connection) => {
      connection.stream.write(COPY_DONE);
      connection.flush();
    });
  }

  async sync(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#sendSync();
    await this.#synced.promise;
  }

  handleRowDescription(): void {}

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    this.#steps[0]!.value = fields[0] ?? null;
  }

  handleCopyInResponse(): void {} // The data is on its way already.

  handleCommandComplete({ text }: { text: string }): void {
    const { settle, value } = this.#steps.shift()!;
    settle.resolve({ rows: Number(text.split(' ').at(-1)), value });
  }

  handleReadyForQuery(): void {
    this.#synced.resolve();
  }

  /** What the first unanswered statement is about is what the error is about. The driver forgets us; the server waits for a sync. */
  handleError(error: Error): void {
    const { explain } = this.#steps[0] ?? { explain: this.#explain };
    this.#failure ??= explain(error);
    for (const { settle } of this.#steps.splice(0)) settle.reject(this.#failure);
    for (const { reject } of this.#untaken) reject(this.#failure);
    this.#synced.reject(this.#failure);
    this.#sendSync();
  }

  #taken(taken: PromiseWithResolvers<void>): void {
    this.#untaken.delete(taken);
    taken.resolve();
  }

  #sendSync(): void {
    if (this.#isSynced) return;
    this.#isSynced = true;
    if (this.#connection) this.#connection.sync();
    else this.#unsent.push((connection) => connection.sync());
  }

  #send(send: (connection: Connection) => void): void {
    const connection = this.#connection;
    if (!connection) {
      this.#unsent.push(send);
    } else if (!this.#failure) {
      connection.stream.cork();
      send(connection);
      connection.stream.uncork();
    }
  }
}

const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
const BINARY = 1;
const NULL_LENGTH = -1;

/** The Bind message, in pieces: the parameters themselves are not copied. */
function bindMessage(statement: string, parameters: readonly Parameter[]): Buffer[] {
  const name = Buffer.from(`${statement}\0`);
  const counts = Buffer.alloc(2 + 2 * parameters.length + 2);
  counts.writeUInt16BE(parameters.length);
  for (const [index, parameter] of parameters.entries()) {
    if (typeof parameter === 'object') counts.writeUInt16BE(BINARY, 2 + 2 * index);
  }
  counts.writeUInt16BE(parameters.length, counts.length - 2);
  const values = parameters.flatMap((parameter) => {
    const value = typeof parameter === 'string' ? Buffer.from(parameter) : parameter;
    const length = Buffer.alloc(4);
    length.writeInt32BE(value?.length ?? NULL_LENGTH);
    return value ? [length, value] : [length];
  });
  const body = [Buffer.alloc(1), name, counts, ...values, Buffer.alloc(2)]; // the unnamed portal; results as text
  const head = Buffer.alloc(5);
  head.write('B');
  head.writeUInt32BE(4 + body.reduce((sum, { length }) => sum + length, 0), 1);
  return [head, ...body];
}
