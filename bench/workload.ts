// What is replicated: a table of ten columns as any shop has it. pgveil.yaml redacts three of them.
import type { Servers } from './servers.ts';

export const TABLE = `CREATE TABLE customers (
  id bigint PRIMARY KEY,
  email text NOT NULL,
  full_name text NOT NULL,
  phone text,
  balance numeric(12,2) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  active boolean NOT NULL,
  address text,
  notes text
)`;

/** As many rows as `$3`, their ids from `$1` on, all with the balance `$2`. */
export const INSERT_ROWS = `${insertInto('$1::bigint + i', '$2::numeric')} FROM generate_series(0, $3::integer - 1) AS i`;

/** Likewise, of rows that are there. */
export const UPDATE_ROWS =
  'UPDATE customers SET balance = $2::numeric, updated_at = now() WHERE id BETWEEN $1::bigint AND $1::bigint + $3::integer - 1';

/** Some 250 bytes a row; `id` and `balance` are SQL expressions. */
function insertInto(id: string, balance: string): string {
  return `INSERT INTO customers (id, email, full_name, phone, balance, active, address, notes)
    SELECT ${id}, format('customer.%s@mail.example', ${id}), format('Given%s Family%s', (${id}) % 5003, (${id}) % 7919),
      format('+49 151 %s', 10000000 + ${id}), ${balance}, (${id}) % 10 <> 0,
      format('%s Long Street, %s Springfield', (${id}) % 401, 10000 + (${id}) % 89989),
      'Prefers to be called in the afternoon, has asked twice for the catalogue, and pays by card.'`;
}

function insertRange(first: string, last: string): string {
  return `${insertInto('i', 'i % 1000')} FROM generate_series(${first}, ${last}) AS i`;
}

/** Fills the table, and leaves it as a table is that has been there for long. */
export async function fill(servers: Servers, rows: number): Promise<void> {
  await servers.query('source', insertRange('1', String(rows)));
  await servers.query('source', 'VACUUM (FREEZE, ANALYZE) customers');
}

/** A table of such rows beside it, for what happens to one table while the others go on. */
export async function fillArchive(servers: Servers, rows: number): Promise<void> {
  await servers.query(
    'source',
    `${TABLE}; ${insertRange('1', String(rows))}; ALTER TABLE customers RENAME TO archive;
    ALTER INDEX customers_pkey RENAME TO archive_pkey`,
  );
  await servers.query('source', 'VACUUM (FREEZE, ANALYZE) archive');
}

/** Inserts in transactions of a thousand rows, then updates of one row in a transaction each. */
export interface Mix {
  readonly inserts: number;
  readonly updates: number;
}

const ROWS_PER_TRANSACTION = 1_000;

/** No two updates hit the same row: to fold several into one would make this an easier task than it looks. */
const STRIDE = 7_919;

/** What the last update leaves behind, and no other. */
export const LAST_BALANCE = -1;

/** At scale 1 that of the design: 500 transactions of 1,000 inserts and 100,000 updates. */
export function mixOf(scale: number): Mix {
  const inserts = Math.ceil(500 * scale) * ROWS_PER_TRANSACTION;
  return { inserts, updates: inserts / 5 };
}

export function lastUpdated({ inserts, updates }: Mix): number {
  return ((updates * STRIDE) % inserts) + 1;
}

/** Writes it all as fast as the source takes it: nobody measures that, so that no commit waits for the disk. */
export async function writeMix(servers: Servers, { inserts, updates }: Mix): Promise<void> {
  await using client = await servers.connect('source');
  await client.query(`SET synchronous_commit = off`);
  await client.query(`DO $$ BEGIN
    FOR part IN 1 .. ${inserts / ROWS_PER_TRANSACTION} LOOP
      ${insertRange(`(part - 1) * ${ROWS_PER_TRANSACTION} + 1`, `part * ${ROWS_PER_TRANSACTION}`)};
      COMMIT;
    END LOOP;
    FOR n IN 1 .. ${updates} LOOP
      UPDATE customers SET balance = CASE n WHEN ${updates} THEN ${LAST_BALANCE} ELSE balance + 1 END, updated_at = now()
        WHERE id = n::bigint * ${STRIDE} % ${inserts} + 1;
      COMMIT;
    END LOOP;
  END $$`);
}
