import type pg from 'pg';
import type { Writer } from './writer.ts';

/** Long enough to be read before another one takes its place. */
const SHOWN_MS = 5_000;

/** A row by column names, each value as a text; null where it is NULL. */
export type Cells = Readonly<Record<string, string | null>>;

/** One customer in both databases; null where there is no such row. */
export interface Pair {
  readonly id: number;
  readonly source: Cells | null;
  readonly twin: Cells | null;
}

/** Follows a customer whom the writer has just changed, and after a while another one. */
export class Pairs {
  readonly #source: pg.ClientBase;
  readonly #twin: pg.ClientBase;
  readonly #writer: Writer;
  #id = 1;
  #since = performance.now();

  constructor(source: pg.ClientBase, twin: pg.ClientBase, writer: Writer) {
    this.#source = source;
    this.#twin = twin;
    this.#writer = writer;
  }

  async read(): Promise<Pair> {
    if (performance.now() - this.#since > SHOWN_MS) this.#another();
    const source = await read(this.#source, 'customer_id', this.#id);
    if (source === null) this.#another();
    return { id: this.#id, source, twin: await read(this.#twin, 'source_primary_key', this.#id) };
  }

  #another(): void {
    this.#id = this.#writer.recent.find(({ customer }) => customer !== null)?.customer ?? this.#id;
    this.#since = performance.now();
  }
}

async function read(client: pg.ClientBase, key: string, id: number): Promise<Cells | null> {
  const sql = `SELECT (SELECT json_object_agg(key, value) FROM json_each_text(to_json(customer))) AS cells
    FROM customer WHERE ${key} = $1`;
  try {
    return (await client.query(sql, [id])).rows[0]?.cells ?? null;
  } catch (error) {
    if ((error as { code?: string }).code === '42P01') return null; // the twin has no such table yet
    throw error;
  }
}
