import { quoteName, type Reader, type ReadTable, readTable } from '../judge/reader.ts';
import type { Random } from './prng.ts';
import { largeText, randomValue } from './values.ts';

export interface RandomColumn {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  /** Stored out of line and uncompressed: what an update that leaves it alone does not send. */
  readonly external: boolean;
  /** The labels of an enum. */
  readonly labels: readonly string[] | null;
}

type Key = readonly string[];

/** A table under random changes: makes the statements, and knows which keys there are when they have been committed. */
export class RandomTable {
  /** As SQL writes it. Whoever renames it says so here, and reads it again. */
  name: string;
  readonly #random: Random;
  #columns: readonly RandomColumn[] = [];
  #key: readonly RandomColumn[] = [];
  #keys: Key[] = [];
  readonly #places = new Map<string, number>();
  #unique = 0;

  private constructor(random: Random, name: string) {
    this.#random = random;
    this.name = name;
  }

  static async read(random: Random, reader: Reader, name: string): Promise<RandomTable> {
    const table = new RandomTable(random, name);
    await table.reload(reader);
    if (!table.isThere) throw new Error(`${name} is not there or has no primary key`);
    return table;
  }

  /** Whether it was there, with a primary key, when it was read last. Without, nothing can be changed in it. */
  get isThere(): boolean {
    return this.#key.length > 0;
  }

  get columns(): readonly RandomColumn[] {
    return this.#columns;
  }

  get key(): readonly RandomColumn[] {
    return this.#key;
  }

  get rows(): number {
    return this.#keys.length;
  }

  /** Reads its definition and its keys: at the start, after DDL, and where it is not known whether a transaction committed. */
  async reload(reader: Reader): Promise<void> {
    const table = await readTable(reader, this.name);
    this.#columns = table ? await readColumns(reader, table) : [];
    this.#key = (table?.primaryKey ?? []).map((key) => this.#columns.find(({ name }) => name === key)!);
    this.clear();
    if (!this.isThere) return;
    const columns = this.#key.map(({ name }) => quoteName(name)).join(', ');
    const rows = await reader.rows(`select ${columns} from ${this.name} order by ${columns}`);
    for (const row of rows) this.#add(row as Key);
    // What randomValue begins a key with, so that none is made twice; of 100,000 rows one by one, as they are no arguments of a call.
    for (const text of rows.flat()) this.#unique = Math.max(this.#unique, Number(/^\d{1,9}\b/.exec(text!)?.[0] ?? 0));
  }

  /** A key that no row has and none had. */
  freshKey(): Key {
    return this.#key.map(({ type }) => randomValue(this.#random, type, ++this.#unique));
  }

  /** A key of some row; the table must not be empty. */
  someKey(): Key {
    return this.#random.pick(this.#keys);
  }

  insert(keys: readonly Key[]): string {
    for (const key of keys) this.#add(key);
    return this.insertRows(keys);
  }

  /** As `insert`, for what is rolled back: the keys are not remembered. */
  insertRows(keys: readonly Key[]): string {
    const rows = keys.map((key) => `(${this.#columns.map((column) => this.#keyed(column, key)).join(', ')})`);
    const columns = this.#columns.map(({ name }) => quoteName(name)).join(', ');
    return `INSERT INTO ${this.name} (${columns}) VALUES ${rows.join(', ')}`;
  }

  /** Sets some of the columns outside the key; those stored out of line mostly stay untouched. */
  update(key: Key): string {
    const others = this.#columns.filter((column) => !this.#key.includes(column));
    const chosen = others.filter(({ external }) => this.#random.chance(external ? 0.1 : 0.4));
    const set = chosen.length > 0 ? chosen : this.#key;
    const values = set.map((column) => `${quoteName(column.name)} = ${this.#keyed(column, key)}`);
    return `UPDATE ${this.name} SET ${values.join(', ')} WHERE ${this.#is(key)}`;
  }

  delete(key: Key): string {
    this.#remove(key);
    return this.deleteRow(key);
  }

  deleteRow(key: Key): string {
    return `DELETE FROM ${this.name} WHERE ${this.#is(key)}`;
  }

  /** Moves one row to a key that is free. */
  move(from: Key, to: Key): string {
    this.#remove(from);
    this.#add(to);
    const values = this.#key.map(({ name }, at) => `${quoteName(name)} = ${quoteText(to[at]!)}`);
    return `UPDATE ${this.name} SET ${values.join(', ')} WHERE ${this.#is(from)}`;
  }

  clear(): void {
    this.#keys = [];
    this.#places.clear();
  }

  #keyed(column: RandomColumn, key: Key): string {
    const place = this.#key.indexOf(column);
    return place >= 0 ? quoteText(key[place]!) : this.#literal(column);
  }

  #literal({ nullable, external, type, labels }: RandomColumn): string {
    if (nullable && this.#random.chance(0.1)) return 'NULL';
    if (labels) return quoteText(this.#random.pick(labels));
    return quoteText(external && this.#random.chance(0.7) ? largeText(this.#random) : randomValue(this.#random, type));
  }

  #is(key: Key): string {
    return this.#key.map(({ name }, at) => `${quoteName(name)} = ${quoteText(key[at]!)}`).join(' AND ');
  }

  #add(key: Key): void {
    this.#places.set(key.join('\0'), this.#keys.length);
    this.#keys.push(key);
  }

  /** The last key takes the place of the one removed. */
  #remove(key: Key): void {
    const place = this.#places.get(key.join('\0'));
    if (place === undefined) return;
    const last = this.#keys.pop()!;
    this.#places.delete(key.join('\0'));
    if (place === this.#keys.length) return;
    this.#keys[place] = last;
    this.#places.set(last.join('\0'), place);
  }
}

async function readColumns(reader: Reader, { oid, columns }: ReadTable): Promise<RandomColumn[]> {
  const details = await reader.rows(
    `select attname, attnotnull, attstorage,
      (select json_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = atttypid)
    from pg_attribute where attrelid = $1`,
    [oid],
  );
  return columns.map(({ name, type }) => {
    const [, notNull, storage, labels] = details.find(([attribute]) => attribute === name)!;
    return {
      name,
      type,
      nullable: notNull === 'f',
      external: storage === 'e',
      labels: labels ? JSON.parse(labels) : null,
    };
  });
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
