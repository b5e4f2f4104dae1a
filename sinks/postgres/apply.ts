import type { Client } from 'pg';
import type { Tuple } from '../../src/core/tuple.ts';
import type { Staged, Window } from './fold.ts';
import { bytesOf } from './key.ts';
import { sendRow } from './large-row.ts';
import { startCopy } from './lines.ts';
import { query } from './query.ts';
import { columnsAltered, refusal, rowMissing } from './refusal.ts';
import { rowArrays } from './row-arrays.ts';
import { type ColumnTypes, deleteSql, patchSql, upsertSql } from './row-sql.ts';
import { Statements } from './statements.ts';
import { TextArray } from './text-array.ts';
import { columnNames, type TwinTable } from './twin-table.ts';

type Row = Tuple<'redacted'>;

/** Brings windows into their tables, in whatever transaction is open on the connection. */
export class Apply {
  readonly #client: Client;
  readonly #statements: Statements;
  readonly #types = new WeakMap<TwinTable, ColumnTypes>();

  constructor(client: Client) {
    this.#client = client;
    this.#statements = new Statements(client);
  }

  /**
   * New rows come first: what happened to them later is among the staged. Deletes come before upserts: two keys may be equal and
   * differ as text. Returns how many rows the twin should have had and did not.
   */
  async window({ table, fresh, large, staged }: Window): Promise<number> {
    const { gone, full, partial } = sort(staged);
    try {
      if (fresh.length > 0 || large.length > 0) await this.#copy(table, fresh.view(), large);
      if (gone.length > 0) await this.#delete(table, gone);
      const repaired = full.length > 0 ? await this.#upsert(table, full) : 0;
      for (const { rows, unchanged } of partial.values()) await this.#patch(table, rows, unchanged);
      return repaired;
    } catch (error) {
      throw refusal(error, table.source.name);
    }
  }

  /** Moves a row to another key, with the parts of it that only the twin has. */
  async move(table: TwinTable, row: Staged, before: Row): Promise<void> {
    try {
      await this.#patch(table, [row.image], row.unchanged, rowArrays(table, [before], []).keys);
    } catch (error) {
      throw refusal(error, table.source.name);
    }
  }

  async #copy(table: TwinTable, lines: Buffer, large: readonly Row[]): Promise<void> {
    const copy = startCopy(this.#client, table);
    await copy.write(lines);
    for (const row of large) await sendRow(copy, table, row);
    await copy.end();
  }

  async #delete(table: TwinTable, keys: readonly string[]): Promise<void> {
    const array = new TextArray();
    for (const key of keys) {
      const bytes = bytesOf(key);
      array.add(bytes, 0, bytes.length);
    }
    await this.#statements.run(deleteSql(table, await this.#typesOf(table)), [array.finish()]);
  }

  async #upsert(table: TwinTable, rows: readonly Row[]): Promise<number> {
    const { cells, keys } = rowArrays(table, rows, []);
    const { value } = await this.#statements.run(upsertSql(table, await this.#typesOf(table)), [...cells, keys]);
    return Number(value);
  }

  /** Sets what the rows carry. `oldKeys` is where they are found, if not under their keys. */
  async #patch(table: TwinTable, rows: readonly Row[], unchanged: readonly number[], oldKeys?: Buffer): Promise<void> {
    const { cells, keys } = rowArrays(table, rows, unchanged);
    const sql = patchSql(table, await this.#typesOf(table), unchanged);
    const updated = await this.#statements.run(sql, [...cells, keys, oldKeys ?? keys]);
    if (updated.rows !== rows.length) throw rowMissing(table.source.name);
  }

  /** The types that the generation's columns really have, without their modifiers. Asked once in a session. */
  async #typesOf(table: TwinTable): Promise<ColumnTypes> {
    const known = this.#types.get(table);
    if (known) return known;
    const { rows } = await query(
      this.#client,
      `SELECT format_type(atttypid, -1) AS type FROM unnest($2::text[]) WITH ORDINALITY AS wanted (name, number)
       JOIN pg_attribute ON attrelid = to_regclass($1) AND attname = wanted.name AND NOT attisdropped ORDER BY number`,
      [table.generation, columnNames(table)],
    );
    if (rows.length !== columnNames(table).length) throw columnsAltered(table.source.name);
    const types = rows.map(({ type }) => type!);
    this.#types.set(table, types);
    return types;
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
