import type { ClientBase } from 'pg';
import { CHECKPOINT_FORMAT, type Checkpoint, type Position, type TableEntry } from '../../src/core/checkpoint.ts';
import { entryFromJson, entryToJson } from '../../src/core/entry-json.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { formatLsn } from '../../src/core/lsn.ts';
import { positionOf } from '../../src/core/position-json.ts';
import { readStored } from '../../src/core/stored.ts';
import type { Explain } from '../../src/postgres/pipeline.ts';
import { quoteText } from '../../src/postgres/quote.ts';
import { sqlState, trouble } from '../../src/postgres/trouble.ts';
import { query } from './query.ts';

/**
 * What pgveil keeps on the twin, all of it. `generation` says what pgveil made: `root` is the oid of the public table that the
 * generation belongs to, null while it is being filled. Pages of `checkpoint` have room for the row's next versions.
 */
export const TABLES = `
  CREATE TABLE IF NOT EXISTS pgveil.checkpoint (
    pipeline text PRIMARY KEY,
    format integer NOT NULL,
    epoch bigint NOT NULL,
    holder_pid integer,
    holder_start timestamptz,
    pos pg_lsn,
    witness_clsn pg_lsn,
    witness_xid bigint,
    witness_commit_time bigint,
    history_system_identifier text,
    history_timeline integer,
    history_database_oid bigint,
    history_slot text
  ) WITH (fillfactor = 10);
  CREATE TABLE IF NOT EXISTS pgveil.table_entry (
    pipeline text,
    source_table text,
    entry jsonb NOT NULL,
    PRIMARY KEY (pipeline, source_table)
  );
  CREATE TABLE IF NOT EXISTS pgveil.generation (
    relation text PRIMARY KEY,
    pipeline text NOT NULL,
    source_table text NOT NULL,
    root oid
  );
`;

/** The right to write for a pipeline: good as long as the epoch in the checkpoint is this one. */
export interface Claim {
  readonly pipeline: string;
  readonly epoch: bigint;
}

/** What is durable on the twin; null where this pipeline never was. Rejects with `newer_checkpoint` or `checkpoint_damaged`. */
export async function readCheckpoint(client: ClientBase, pipeline: string): Promise<Checkpoint | null> {
  const { rows: there } = await query(client, `SELECT to_regclass('pgveil.checkpoint') IS NOT NULL AS there`);
  if (there[0]!.there !== 't') return null;
  const { rows } = await query(client, 'SELECT * FROM pgveil.checkpoint WHERE pipeline = $1', [pipeline]);
  const row = rows[0];
  if (!row) return null;
  if (Number(row.format) > CHECKPOINT_FORMAT) {
    throw new PgveilError('newer_checkpoint', `the twin's checkpoint of ${pipeline} has format ${row.format}`);
  }
  const entries = await query(client, 'SELECT source_table, entry FROM pgveil.table_entry WHERE pipeline = $1', [
    pipeline,
  ]);
  const place = `the twin's row of ${pipeline} in pgveil.checkpoint`;
  return {
    position: readStored(place, copyAllAnew(pipeline), () => positionIn(row)),
    tables: new Map(entries.rows.map((row) => [row.source_table!, entryIn(row, pipeline)])),
  };
}

function entryIn({ source_table: table, entry }: Record<string, string | null>, pipeline: string): TableEntry {
  const place = `the twin's row of ${table} in pgveil.table_entry`;
  return readStored(place, copyAnew(pipeline, table!), () => entryFromJson(entry!));
}

/** Sends a statement with its parameters. */
type Run = (sql: string, parameters: readonly (string | null)[], explain: Explain) => Promise<unknown>;

const DIVISION_BY_ZERO = '22012';

/**
 * Moves the position within the open transaction. Rejects with `fenced` when another instance has taken over: the statement fails
 * then, so that a COMMIT that was sent behind it comes to nothing.
 */
export async function savePosition(run: Run, claim: Claim, from: Position | null, to: Position): Promise<void> {
  const { pos, witness, history } = to;
  const values = [
    claim.pipeline,
    claim.epoch,
    from && formatLsn(from.pos),
    formatLsn(pos),
    witness && formatLsn(witness.clsn),
    witness?.xid,
    witness?.commitTime,
    history.systemIdentifier,
    history.timeline,
    history.databaseOid,
    history.slot,
  ];
  await run(
    `WITH moved AS (
       UPDATE pgveil.checkpoint SET pos = $4, witness_clsn = $5, witness_xid = $6, witness_commit_time = $7,
         history_system_identifier = $8, history_timeline = $9, history_database_oid = $10, history_slot = $11
       WHERE pipeline = $1 AND epoch = $2 AND pos IS NOT DISTINCT FROM $3 RETURNING pos
     ) SELECT 1 / count(*) FROM moved`,
    values.map((value) => (value === null || value === undefined ? null : String(value))),
    (error) => (sqlState(error) === DIVISION_BY_ZERO ? fenced() : trouble('twin', error)),
  );
}

export async function saveEntry(client: ClientBase, pipeline: string, table: string, entry: TableEntry): Promise<void> {
  await query(
    client,
    `INSERT INTO pgveil.table_entry VALUES ($1, $2, $3)
     ON CONFLICT (pipeline, source_table) DO UPDATE SET entry = excluded.entry`,
    [pipeline, table, entryToJson(entry)],
  );
}

/** Keeps others from taking over until the open transaction ends. Rejects with `fenced` when one already has. */
export async function holdEpoch(client: ClientBase, { pipeline, epoch }: Claim): Promise<void> {
  const sql = 'SELECT FROM pgveil.checkpoint WHERE pipeline = $1 AND epoch = $2 FOR KEY SHARE';
  const { rowCount } = await query(client, sql, [pipeline, epoch]);
  if (rowCount !== 1) throw fenced();
}

function fenced(): PgveilError {
  return new PgveilError('fenced', 'the twin was taken over by another instance of this pipeline');
}

/** Throws where columns are NULL, or hold what no position can have. */
function positionIn(row: Record<string, string | null>): Position | null {
  if (row.pos === null) return null;
  const witness = {
    clsn: row.witness_clsn!,
    xid: Number(row.witness_xid),
    commitTime: row.witness_commit_time!,
  };
  return positionOf({
    pos: row.pos!,
    witness: row.witness_clsn === null ? null : witness,
    history: {
      systemIdentifier: row.history_system_identifier!,
      timeline: Number(row.history_timeline),
      databaseOid: Number(row.history_database_oid),
      slot: row.history_slot!,
    },
  });
}

const RESTORE = '-- Restore that row, or have pgveil copy anew what it is about:';

/** Entries stay: they count the generations. */
function copyAllAnew(pipeline: string): string {
  return `${RESTORE}\nUPDATE pgveil.checkpoint SET pos = NULL WHERE pipeline = ${quoteText(pipeline)};`;
}

/** Generations are counted from the beginning then, so none that is there may have the name of a new one. */
function copyAnew(pipeline: string, table: string): string {
  const itsRows = `pipeline = ${quoteText(pipeline)} AND source_table = ${quoteText(table)}`;
  const quote = dollarQuote(itsRows);
  return `${RESTORE}
DO ${quote} DECLARE made text; BEGIN
  FOR made IN SELECT coalesce(oid::regclass::text, format('pgveil.%I', relation))
    FROM pgveil.generation LEFT JOIN pg_class ON oid = root WHERE ${itsRows}
  LOOP EXECUTE 'DROP TABLE IF EXISTS ' || made; END LOOP;
  DELETE FROM pgveil.generation WHERE ${itsRows};
  DELETE FROM pgveil.table_entry WHERE ${itsRows};
END ${quote};`;
}

/** One that `text` does not end. */
function dollarQuote(text: string): string {
  let tag = 'do';
  while (text.includes(`$${tag}$`)) tag += '_';
  return `$${tag}$`;
}
