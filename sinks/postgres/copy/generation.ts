import type { ClientBase } from 'pg';
import type { TableEntry } from '../../../src/core/checkpoint.ts';
import { ERRORS, PgveilError } from '../../../src/core/errors.ts';
import type { Observe } from '../../../src/core/observer.ts';
import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import { LOCK_NOT_AVAILABLE } from '../../../src/postgres/sql-state.ts';
import { sqlState } from '../../../src/postgres/trouble.ts';
import { type Claim, holdEpoch, saveEntry } from '../checkpoint.ts';
import { LOCKS } from '../locks.ts';
import { SCHEMA } from '../names.ts';
import { inTransaction, query } from '../query.ts';
import { copyRefusal } from '../refusal.ts';
import { terminate } from '../takeover.ts';
import type { TwinTable } from '../twin-table.ts';

/** MaxHeapAttributeNumber of Postgres; `source_primary_key` is one of them. */
const MOST_COLUMNS = 1600;

/**
 * Makes the table that a copy fills, with columns and nothing else: keys and indexes are faster built when the rows are there
 * (a million rows: 3.4 s to 2.6 s with a bigint key, 5.6 s to 3.4 s with a hash). `entry` becomes durable with it; and without it where
 * the twin cannot hold such a table: whoever asks later must see that it is this definition which halted it.
 */
export async function createGeneration(
  client: ClientBase,
  claim: Claim,
  table: TwinTable,
  entry: TableEntry,
  { room, observe }: { readonly room: number | null; readonly observe: Observe },
): Promise<void> {
  const { name } = table.source;
  try {
    refuseUnfit(table);
    await inTransaction(client, async () => {
      await holdEpoch(client, claim);
      const root = await findRoot(client, claim, table);
      if (root) await lookForRoom(client, table, root, room, observe);
      await createSchema(client, table.source.schema);
      const columns = await definitions(client, table, observe);
      await query(client, `CREATE TABLE ${table.generation} (${columns.join(', ')})`);
      await query(client, 'INSERT INTO pgveil.generation VALUES ($1, $2, $3, NULL)', [
        table.relation,
        claim.pipeline,
        name,
      ]);
      await saveEntry(client, claim.pipeline, name, entry);
    });
  } catch (error) {
    const refused = copyRefusal(error, name);
    if (refused.kind.recovery === 'halt table') await saveAlone(client, claim, name, entry);
    throw refused;
  }
}

/**
 * A copy stands beside the content before until it takes its place. How much a disk has left no server tells in SQL: `room`, in bytes,
 * is what the configuration allows the whole database; without it the disk itself has to say so. Rejects with `twin_full`.
 */
async function lookForRoom(
  client: ClientBase,
  { source }: TwinTable,
  root: string,
  room: number | null,
  observe: Observe,
): Promise<void> {
  const { rows } = await query(
    client,
    `SELECT (SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits WHERE inhparent = $1) AS needed,
       pg_database_size(current_database()) AS used`,
    [root],
  );
  const [needed, used] = [Number(rows[0]!.needed), Number(rows[0]!.used)];
  observe({ type: 'room', table: source.name, bytes: needed });
  if (room === null || used + needed <= room) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MB`;
  const message = `${source.name}: a second generation needs about ${megabytes(needed)}, the database has ${megabytes(used)}, and sinks.X.room allows ${megabytes(room)}`;
  throw new PgveilError('twin_full', message, { table: source.name });
}

async function saveAlone(client: ClientBase, claim: Claim, name: string, entry: TableEntry): Promise<void> {
  await inTransaction(client, async () => {
    await holdEpoch(client, claim);
    await saveEntry(client, claim.pipeline, name, entry);
  });
}

/** Drops what copies left that never came to their end. */
export async function dropLeftovers(client: ClientBase, claim: Claim): Promise<void> {
  const sql = 'SELECT relation FROM pgveil.generation WHERE pipeline = $1 AND root IS NULL';
  const { rows } = await query(client, sql, [claim.pipeline]);
  await dropGenerations(
    client,
    claim,
    rows.map(({ relation }) => relation!),
  );
}

/** Those that readers see, by table of the source. */
export async function publicGenerations(client: ClientBase, claim: Claim): Promise<ReadonlyMap<string, string>> {
  const sql = 'SELECT source_table, relation FROM pgveil.generation WHERE pipeline = $1 AND root IS NOT NULL';
  const { rows } = await query(client, sql, [claim.pipeline]);
  return new Map(rows.map(({ source_table, relation }) => [source_table!, relation!]));
}

/** Drops those among `relations` that never became public: for the others it is too late. */
export async function dropGenerations(client: ClientBase, claim: Claim, relations: readonly string[]): Promise<void> {
  const sql = 'SELECT relation FROM pgveil.generation WHERE relation = ANY ($1) AND root IS NULL';
  const { rows } = await query(client, sql, [relations]);
  for (const { relation } of rows) await dropLeftover(client, claim, relation!);
}

/** The public table's oid, or null where it is not there. Rejects with `target_exists` where this pipeline did not make it. */
export async function findRoot(client: ClientBase, { pipeline }: Claim, { source }: TwinTable): Promise<string | null> {
  const { rows } = await query(
    client,
    `SELECT oid, EXISTS (SELECT FROM pgveil.generation WHERE root = oid AND pipeline = $2) AS ours
     FROM pg_class WHERE oid = to_regclass($1)`,
    [quoteTable(source), pipeline],
  );
  const root = rows[0];
  if (!root) return null;
  if (root.ours !== 't') {
    throw new PgveilError('target_exists', `the twin has a table ${source.name} that this pipeline did not make`);
  }
  return root.oid!;
}

async function dropLeftover(client: ClientBase, claim: Claim, relation: string): Promise<void> {
  const name = `${SCHEMA}.${quoteName(relation)}`;
  // Only a copy that was given up, or one of the instance before, can be at work on it.
  await terminate(
    client,
    `SELECT pid FROM ${LOCKS} WHERE relation = to_regclass($1) AND backend_type = 'client backend'`,
    [name],
  );
  try {
    await inTransaction(client, async () => {
      await holdEpoch(client, claim);
      await query(client, `SET LOCAL lock_timeout = '5s'`);
      await query(client, `DROP TABLE IF EXISTS ${name}`);
      await query(client, 'DELETE FROM pgveil.generation WHERE relation = $1', [relation]);
    });
  } catch (error) {
    // Somebody reads it. The next open tries again; the name is not needed any more, since generations only grow.
    if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
  }
}

function refuseUnfit({ source, columns, key }: TwinTable): void {
  if (columns.length + 1 > MOST_COLUMNS) {
    const message = `${source.name}: ${columns.length} columns and ${key.name} are more than the ${MOST_COLUMNS} a table may have`;
    throw new PgveilError('too_wide', message, { table: source.name });
  }
  if (columns.some(({ name }) => name === key.name)) {
    const message = `${source.name} has a column ${key.name} of its own`;
    throw new PgveilError('reserved_column', message, { table: source.name });
  }
}

async function createSchema(client: ClientBase, schema: string): Promise<void> {
  const { rowCount } = await query(client, 'SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
  if (rowCount === 0) await query(client, `CREATE SCHEMA ${quoteName(schema)}`);
}

/** Columns with their types, text where the twin's server does not have the type. */
async function definitions(client: ClientBase, table: TwinTable, observe: Observe): Promise<string[]> {
  const types = table.columns.map(({ type }) => type);
  const { rows } = await query(
    client,
    'SELECT DISTINCT type FROM unnest($1::text[]) AS type WHERE to_regtype(type) IS NULL',
    [types],
  );
  const missing = new Set(rows.map(({ type }) => type));
  for (const type of missing) {
    const message = `the twin has no type ${type}: columns of it are text there`;
    observe({ type: 'warning', table: table.source.name, code: 'type_missing', message, fix: ERRORS.type_missing.fix });
  }
  const columns = table.columns.map(({ name, type }) => `${name} ${missing.has(type) ? 'text' : type}`);
  return [...columns, `${table.key.name} ${table.key.type} NOT NULL`];
}
