import type { Connection, Submittable } from 'pg';

/** What a statement did: how many rows it touched or returned, and the first value that it returned. */
export interface Outcome {
  readonly rows: number;
  readonly value: string | null;
}

/**
 * One execution of a named statement with parameters in the binary form of their types. The driver's own way would do, but copies
 * parameters twice before the socket gets them, and a row of 100 MB is too large for that.
 */
export class Execution implements Submittable {
  readonly outcome: Promise<Outcome>;
  readonly #statement: { readonly name: string; readonly text: string; readonly isNew: boolean };
  readonly #parameters: readonly Buffer[];
  readonly #settle = Promise.withResolvers<Outcome>();
  #rows = 0;
  #value: string | null = null;

  /** `isNew`: the server has yet to prepare it. */
  constructor(statement: { name: string; text: string; isNew: boolean }, parameters: readonly Buffer[]) {
    this.#statement = statement;
    this.#parameters = parameters;
    this.outcome = this.#settle.promise;
  }

  /** Called by the driver when the connection is free. Everything goes out in one write. */
  submit(connection: Connection): void {
    const { name, text, isNew } = this.#statement;
    connection.stream.cork();
    if (isNew) connection.parse({ name, text, types: [] }, true);
    for (const piece of bindMessage(name, this.#parameters)) connection.stream.write(piece);
    connection.execute({ portal: '' }, true);
    connection.sync();
    connection.stream.uncork();
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    this.#value = fields[0] ?? null;
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#rows = Number(text.split(' ').at(-1));
  }

  handleReadyForQuery(): void {
    this.#settle.resolve({ rows: this.#rows, value: this.#value });
  }

  handleError(error: Error): void {
    this.#settle.reject(error);
  }
}

const BINARY = 1;

/** The Bind message, in pieces: the parameters themselves are not copied. */
function bindMessage(statement: string, parameters: readonly Buffer[]): Buffer[] {
  const head = Buffer.alloc(1 + 4 + 1 + Buffer.byteLength(statement) + 1 + 2 + 2 + 2);
  const bytes = parameters.reduce((sum, { length }) => sum + 4 + length, 0);
  let at = head.write('B');
  at = head.writeUInt32BE(head.length - 1 + bytes + 2, at) + 1; // then the empty name of the portal
  at += head.write(statement, at) + 1;
  at = head.writeUInt16BE(1, at);
  at = head.writeUInt16BE(BINARY, at);
  head.writeUInt16BE(parameters.length, at);
  const pieces: Buffer[] = [head];
  for (const parameter of parameters) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(parameter.length);
    pieces.push(length, parameter);
  }
  return [...pieces, Buffer.alloc(2)]; // results as text
}
