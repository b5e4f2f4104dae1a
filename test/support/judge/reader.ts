import pg from 'pg';

/** One text for one value on every server: the settings that the contract's texts are written in. */
const SETTINGS = [
  'timezone=UTC',
  'datestyle=ISO',
  'intervalstyle=postgres',
  'extra_float_digits=3',
  'bytea_output=hex',
  'search_path=',
  'lc_monetary=C',
  'client_encoding=UTF8',
];

/** A row as the texts of its values, NULL as null. */
export type TextRow = readonly (string | null)[];

/** Reads values as the text of their output functions, unlike a cast to text (which pads no char(n) and spells booleans out). */
export class Reader implements AsyncDisposable {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(url: string): Promise<Reader> {
    const client = new pg.Client({
      connectionString: url,
      options: SETTINGS.map((setting) => `-c ${setting}`).join(' '),
      application_name: 'oracle',
      types: { getTypeParser: () => (value: string) => value } as never,
    });
    client.on('error', () => {});
    await client.connect();
    return new Reader(client);
  }

  async rows(sql: string, parameters: readonly string[] = []): Promise<TextRow[]> {
    const result = await this.#client.query({ text: sql, values: [...parameters], rowMode: 'array' });
    return result.rows as TextRow[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}

export interface ReadColumn {
  readonly name: string;
  /** format_type under an empty search_path. */
  readonly type: string;
  /** char(n), or a domain over it: blanks at the end of a value mean nothing. */
  readonly padded: boolean;
}

/** What the catalog says of a table. */
export interface ReadTable {
  readonly oid: string;
  readonly partitioned: boolean;
  /** Live and not generated. */
  readonly columns: readonly ReadColumn[];
  /** Names, in the order of the primary key's index. */
  readonly primaryKey: readonly string[];
}

/** Null where there is no such table. `name` is written as SQL writes it: `public."Order Items"`. */
export async function readTable(reader: Reader, name: string): Promise<ReadTable | null> {
  const [found] = await reader.rows('select c.oid, c.relkind from pg_class c where c.oid = to_regclass($1)', [name]);
  if (!found) return null;
  const [oid, kind] = found as [string, string];
  const columns = await reader.rows(
    `select attname, format_type(atttypid, atttypmod), (
       with recursive made_of as (select atttypid as oid union select typbasetype from made_of join pg_type using (oid))
       select bool_or(oid = 1042) from made_of) from pg_attribute
     where attrelid = $1 and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [oid],
  );
  const key = await reader.rows(
    `select a.attname from pg_index i cross join unnest(i.indkey) with ordinality as k(attnum, place)
     join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
     where i.indrelid = $1 and i.indisprimary order by k.place`,
    [oid],
  );
  return {
    oid,
    partitioned: kind === 'p',
    columns: columns.map(([column, type, padded]) => ({ name: column!, type: type!, padded: padded === 't' })),
    primaryKey: key.map(([column]) => column!),
  };
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
