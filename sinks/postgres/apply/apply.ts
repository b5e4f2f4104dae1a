import type { Client } from 'pg';
import { bytesOf } from '../../../src/core/key-text.ts';
import type { Tuple } from '../../../src/core/tuple.ts';
import { type CopyIn, type Explain, type Outcome, Pipeline } from '../../../src/postgres/pipeline.ts';
import { trouble } from '../../../src/postgres/trouble.ts';
import { query } from '../query.ts';
import { columnsAltered, refusal, rowMissing } from '../refusal.ts';
import { columnNames, type TwinTable } from '../twin-table.ts';
import type { Staged, Window } from './fold.ts';
import { sendRow } from './large-row.ts';
import { rowArrays } from './row-arrays.ts';
import { type ColumnTypes, copySql, deleteSql, patchSql, upsertSql } from './row-sql.ts';
import { type Parameters, Statements } from './statements.ts';
import { TextArray } from './text-array.ts';

type Row = Tuple<'redacted'>;

const aboutTheTwin: Explain = (error) => trouble('twin', error);

/**
 * The statements that bring windows into their tables, in whatever transaction is open on the connection. They are executed in the
 * order in which they are sent, so nobody has to wait for one before the next.
 */
export class Apply {
  readonly #client: Client;
  readonly #pipeline: Pipeline;
  readonly #statements: Statements;
  readonly #types = new WeakMap<TwinTable, ColumnTypes>();
  /** The COPY that is open: other statements have to wait for its end. */
  #copying: { readonly table: TwinTable; readonly copy: CopyIn } | null = null;

  constructor(client: Client) {
    this.#client = client;
    this.#pipeline = new Pipeline(client, aboutTheTwin);
    this.#statements = new Statements(this.#pipeline);
  }

  /** Sends rows under new keys. Resolves when their memory is free again. */
  async copy(table: TwinTable, lines: Buffer): Promise<void> {
    await this.#copyInto(table).write(lines);
  }

  /** Likewise, a row that is too large for a line. */
  async copyLarge(table: TwinTable, row: Row): Promise<void> {
    await sendRow(this.#copyInto(table), table, row);
  }

  /**
   * Sends what happened to all other rows. Deletes come before upserts: two keys may be equal and differ as text. Resolves with how
   * many rows the twin should have had and did not, when it is done.
   */
  async staged({ table, staged }: Window): Promise<number> {
    const { gone, full, partial } = sort(staged);
    const deleted = gone.length > 0 ? this.#delete(table, gone) : null;
    const upserted = full.length > 0 ? this.#upsert(table, full) : 0;
    const patched = [...partial.values()].map(({ rows, unchanged }) => this.#patch(table, rows, unchanged));
    const [repaired] = await Promise.all([upserted, deleted, ...patched]);
    return repaired;
  }

  /** Moves a row to another key, with the parts of it that only the twin has. */
  async move(table: TwinTable, row: Staged, before: Row): Promise<void> {
    await this.#patch(table, [row.image], row.unchanged, rowArrays(table, [before], []).keys);
  }

  /** Sends a statement that is about no table. */
  run(text: string, parameters: Parameters = [], explain: Explain = aboutTheTwin): Promise<Outcome> {
    this.#endCopy();
    return this.#statements.run(text, parameters, explain);
  }

  /** Resolves when all is done that was sent: others may use the connection until the next call. */
  async sync(): Promise<void> {
    this.#endCopy();
    await this.#pipeline.sync();
  }

  /**
   * Learns the types that the generation's columns really have, without their modifiers. Asked once in a session, and before its
   * first changes are sent: whoever waited for the answer in between would let later ones pass.
   */
  async learn(table: TwinTable): Promise<void> {
    if (this.#types.has(table)) return;
    await this.sync();
    const { rows } = await query(
      this.#client,
      `SELECT format_type(atttypid, -1) AS type FROM unnest($2::text[]) WITH ORDINALITY AS wanted (name, number)
       JOIN pg_attribute ON attrelid = to_regclass($1) AND attname = wanted.name AND NOT attisdropped ORDER BY number`,
      [table.generation, columnNames(table)],
    );
    if (rows.length !== columnNames(table).length) throw columnsAltered(table.source.name);
    this.#types.set(
      table,
      rows.map(({ type }) => type!),
    );
  }

  async #delete(table: TwinTable, keys: readonly string[]): Promise<void> {
    const array = new TextArray();
    for (const key of keys) {
      const bytes = bytesOf(key);
      array.add(bytes, 0, bytes.length);
    }
    await this.#send(table, deleteSql(table, this.#types.get(table)!), [array.finish()]);
  }

  async #upsert(table: TwinTable, rows: readonly Row[]): Promise<number> {
    const { cells, keys } = rowArrays(table, rows, []);
    const { value } = await this.#send(table, upsertSql(table, this.#types.get(table)!), [...cells, keys]);
    return Number(value);
  }

  /** Sets what the rows carry. `oldKeys` is where they are found, if not under their keys. */
  async #patch(table: TwinTable, rows: readonly Row[], unchanged: readonly number[], oldKeys?: Buffer): Promise<void> {
    const { cells, keys } = rowArrays(table, rows, unchanged);
    const sql = patchSql(table, this.#types.get(table)!, unchanged);
    const updated = await this.#send(table, sql, [...cells, keys, oldKeys ?? keys]);
    if (updated.rows !== rows.length) throw rowMissing(table.source.name);
  }

  #copyInto(table: TwinTable): CopyIn {
    if (this.#copying?.table !== table) {
      this.#endCopy();
      const copy = this.#pipeline.copy(copySql(table), (error) => refusal(error, table.source.name));
      this.#copying = { table, copy };
    }
    return this.#copying.copy;
  }

  #send(table: TwinTable, sql: string, parameters: Parameters): Promise<Outcome> {
    this.#endCopy();
    return this.#statements.run(sql, parameters, (error) => refusal(error, table.source.name));
  }

  /** How it went shows at the next sync. */
  #endCopy(): void {
    this.#copying?.copy.end();
    this.#copying = null;
  }
}

/** Staged rows by what has to be done with them; partial ones by the columns that they lack, as one statement serves each such set. */
function sort(staged: Window['staged']) {
  const gone: string[] = [];
  const full: Row[] = [];
  const partial = new Map<string, { readonly rows: Row[]; readonly unchanged: readonly number[] }>();
  for (const [key, row] of staged) {
    if (row === null) gone.push(key);
    else if (row.unchanged.length === 0) full.push(row.image);
    else {
      const lacking = row.unchanged.join();
      const group = partial.get(lacking);
      if (group) group.rows.push(row.image);
      else partial.set(lacking, { rows: [row.image], unchanged: row.unchanged });
    }
  }
  return { gone, full, partial };
}
