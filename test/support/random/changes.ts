import type pg from 'pg';
import { Reader } from '../judge/reader.ts';
import type { Random } from './prng.ts';
import { RandomTable } from './table.ts';

export interface Weights {
  readonly insert: number;
  readonly update: number;
  readonly delete: number;
  /** One row gets a new key. */
  readonly move: number;
  /** Two rows exchange their keys. */
  readonly swap: number;
  /** Delete, and insert under the same key, in one transaction. */
  readonly replace: number;
  /** Changes between a savepoint and the return to it. */
  readonly rollback: number;
  readonly truncate: number;
}

const USUAL: Weights = { insert: 30, update: 40, delete: 12, move: 6, swap: 3, replace: 4, rollback: 2, truncate: 0 };

/**
 * Random transactions over a set of tables, each with a primary key: what they do depends on the seed and on what the tables
 * held at the start alone. Foreign keys and triggers are out of force for the session that writes.
 */
export class RandomChanges {
  readonly #client: pg.Client;
  readonly #random: Random;
  readonly #tables: readonly RandomTable[];
  readonly #weights: Weights;
  readonly #url: string;

  private constructor(
    client: pg.Client,
    random: Random,
    tables: readonly RandomTable[],
    weights: Weights,
    url: string,
  ) {
    this.#client = client;
    this.#random = random;
    this.#tables = tables;
    this.#weights = weights;
    this.#url = url;
  }

  /** `client` is a connection of a superuser to the database at `url`; it is the caller's to close. */
  static async open(
    client: pg.Client,
    url: string,
    random: Random,
    names: readonly string[],
    weights: Partial<Weights> = {},
  ): Promise<RandomChanges> {
    await client.query('SET session_replication_role = replica');
    await using reader = await Reader.open(url);
    const tables: RandomTable[] = [];
    for (const name of names) tables.push(await RandomTable.read(random, reader, name));
    return new RandomChanges(client, random, tables, { ...USUAL, ...weights }, url);
  }

  /** Commits one transaction that changes `rows` rows (or a few more). Returns how many. */
  async transaction(rows: number): Promise<number> {
    const { statements, changed } = this.statements(rows);
    await this.#client.query(['BEGIN', ...statements, 'COMMIT'].join(';\n'));
    return changed;
  }

  /** What such a transaction does, for the caller to commit: it is taken to be in the tables already. */
  statements(rows: number): { readonly statements: string[]; readonly changed: number } {
    const statements: string[] = [];
    let changed = 0;
    while (changed < rows) changed += this.#step(statements, rows - changed);
    return { statements, changed };
  }

  /** Commits transactions of 1 to 500 rows, small ones most often, until so many rows were changed. */
  async transactions(rows: number): Promise<void> {
    for (let left = rows; left > 0; ) left -= await this.transaction(Math.min(left, this.#random.size(1, 500)));
  }

  get tables(): readonly RandomTable[] {
    return this.#tables;
  }

  /** To be called after DDL, or where a transaction failed, or may have: reads again what tables and rows there are. */
  async reload(tables = this.#tables): Promise<void> {
    await using reader = await Reader.open(this.#url);
    for (const table of tables) await table.reload(reader);
  }

  /** Appends one step and returns how many rows it changes. */
  #step(statements: string[], left: number): number {
    const table = this.#random.pick(this.#tables.filter(({ isThere }) => isThere));
    const choice = table.rows < 10 ? 'insert' : this.#random.weighted({ ...this.#weights });
    switch (choice) {
      case 'insert': {
        const keys = Array.from({ length: this.#random.size(1, Math.min(left, 50)) }, () => table.freshKey());
        statements.push(table.insert(keys));
        return keys.length;
      }
      case 'update':
        statements.push(table.update(table.someKey()));
        return 1;
      case 'delete':
        statements.push(table.delete(table.someKey()));
        return 1;
      case 'move':
        statements.push(table.move(table.someKey(), table.freshKey()));
        return 1;
      case 'swap':
        return swap(table, statements);
      case 'replace': {
        const key = table.someKey();
        statements.push(table.delete(key), table.insert([key]));
        return 2;
      }
      case 'rollback':
        statements.push(...rolledBack(table));
        return 0;
      case 'truncate':
        statements.push(`TRUNCATE ${table.name}`);
        table.clear();
        return 1;
    }
  }
}

/** Two rows exchange their keys over a third one, as an application has to do it under a primary key. */
function swap(table: RandomTable, statements: string[]): number {
  const [one, other, between] = [table.someKey(), table.someKey(), table.freshKey()];
  if (one === other) return 0;
  statements.push(table.move(one, between), table.move(other, one), table.move(between, other));
  return 3;
}

function rolledBack(table: RandomTable): string[] {
  const [changed, deleted] = [table.someKey(), table.someKey()];
  return [
    'SAVEPOINT here',
    table.insertRows([table.freshKey(), table.freshKey()]),
    table.update(changed),
    table.deleteRow(deleted),
    'ROLLBACK TO here',
    'RELEASE here',
  ];
}
