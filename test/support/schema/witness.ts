import type pg from 'pg';

/** One row that a committed transaction changed. */
export interface WitnessedChange {
  readonly table: string;
  /** Of the transaction's commit; and which of its changes it is, from 1. */
  readonly lsn: bigint;
  readonly seq: number;
}

const [BEGIN, ...CHANGES] = [...'BIUD'].map((letter) => letter.charCodeAt(0));

/** What Postgres itself says was committed, change by change: a slot that is nobody's but the test's. No TRUNCATE may be among it. */
export class Witness implements AsyncDisposable {
  readonly #source: pg.Client;
  readonly #tables: ReadonlyMap<number, string>;

  private constructor(source: pg.Client, tables: ReadonlyMap<number, string>) {
    this.#source = source;
    this.#tables = tables;
  }

  /** From here on. `source` is a superuser's session, and stays the caller's. */
  static async open(source: pg.Client, tables: readonly string[]): Promise<Witness> {
    const oids = new Map<number, string>();
    for (const table of tables) {
      const { rows } = await source.query('SELECT $1::regclass::oid::int AS oid', [table]);
      oids.set(rows[0].oid, table);
    }
    await source.query(`CREATE PUBLICATION witness FOR TABLE ${tables.join(', ')}`);
    await source.query(`SELECT pg_create_logical_replication_slot('witness_' || current_database(), 'pgoutput')`);
    return new Witness(source, oids);
  }

  async changes(): Promise<WitnessedChange[]> {
    const { rows } = await this.#source.query<{ kind: number; head: Buffer }>(
      `SELECT get_byte(data, 0) AS kind, substring(data FROM 2 FOR 8) AS head
       FROM pg_logical_slot_peek_binary_changes('witness_' || current_database(), NULL, NULL,
         'proto_version', '1', 'publication_names', 'witness')`,
    );
    const changes: WitnessedChange[] = [];
    let [lsn, seq] = [0n, 0];
    for (const { kind, head } of rows) {
      if (kind === BEGIN) [lsn, seq] = [head.readBigUInt64BE(), 0];
      else if (CHANGES.includes(kind)) changes.push({ table: this.#tables.get(head.readUInt32BE())!, lsn, seq: ++seq });
    }
    return changes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.query(`SELECT pg_drop_replication_slot('witness_' || current_database())`);
  }
}
