import type pg from 'pg';
import type { Row } from './people.ts';
import type { RawValues } from './raw-values.ts';

/** The shop's hand on its database: writes single rows, counts them, and remembers every raw value that it wrote. */
export class Ledger {
  /** Rows inserted, updated and deleted by committed transactions. */
  changes = 0;
  readonly #client: pg.ClientBase;
  readonly #raw: RawValues;
  #pending = 0;

  constructor(client: pg.ClientBase, raw: RawValues) {
    this.#client = client;
    this.#raw = raw;
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    this.#pending = 0;
    await this.#client.query('BEGIN');
    const result = await work();
    await this.#client.query('COMMIT');
    this.changes += this.#pending;
    return result;
  }

  async insert(table: string, row: Row): Promise<void> {
    const columns = Object.keys(row);
    const places = columns.map((_, at) => `$${at + 1}`);
    await this.#write(`INSERT INTO ${table} (${columns}) VALUES (${places})`, Object.values(row));
    this.#raw.add(table, row);
  }

  /** Sets these columns in the rows where `where` holds, its parameters numbered from $1; returns how many. */
  async update(table: string, columns: Row, where: string, values: readonly unknown[]): Promise<number> {
    this.#raw.add(table, columns);
    const set = Object.keys(columns).map((column, at) => `${column} = $${values.length + at + 1}`);
    return await this.#write(`UPDATE ${table} SET ${set} WHERE ${where}`, [...values, ...Object.values(columns)]);
  }

  async delete(table: string, where: string, values: readonly unknown[]): Promise<number> {
    return await this.#write(`DELETE FROM ${table} WHERE ${where}`, values);
  }

  /** The first row from this key on, as some rows are gone by now; from the beginning where it was the last that went. */
  async rowFrom(table: string, key: string, least: number): Promise<Row> {
    const sql = `SELECT * FROM ${table} WHERE ${key} >= $1 ORDER BY ${key} LIMIT 1`;
    const { rows } = await this.#client.query(sql, [least]);
    if (rows[0]) return rows[0];
    if (least === 0) throw new Error(`the shop has no ${table} any more`);
    return await this.rowFrom(table, key, 0);
  }

  async #write(sql: string, values: readonly unknown[]): Promise<number> {
    const { rowCount } = await this.#client.query(sql, [...values]);
    this.#pending += rowCount ?? 0;
    return rowCount ?? 0;
  }
}
