// How fast a running pgveil copies a table anew, beside its first copy of the same table by the same process. Either clock starts when
// the slot of the copy is there, and stops when a reader of the twin sees all rows, with the key built and the table analysed.
import type { Bench } from './bench.ts';
import { copy } from './copy.ts';
import { perSecond } from './figures.ts';
import { Pgveil } from './ours.ts';
import { assertSame, finds } from './seen.ts';
import { SERVERS, type Servers } from './servers.ts';

export const recopy: Bench = {
  unit: 'rows/s',
  reference: 'the first copy of the same table, in the same run',
  place: SERVERS,
  prepare: copy.prepare,

  async measure(servers) {
    await servers.renew('ours');
    await servers.checkpoint();
    const pgveil = new Pgveil(servers);
    await pgveil.start();
    const [row] = await servers.query<{ rows: number }>('source', 'SELECT count(*)::int AS rows FROM customers');
    const reference = { rows: perSecond(row!.rows, await firstCopy(servers, pgveil)) };
    await assertSame(servers, 'ours');
    await pgveil.streams();
    await servers.checkpoint();
    const ours = { rows: perSecond(row!.rows, await nextCopy(servers, pgveil, 'customers')) };
    await assertSame(servers, 'ours');
    await pgveil.stop();
    return { ours, reference };
  },

  headline: ({ rows }) => rows!,
};

/** In ms. */
async function firstCopy(servers: Servers, pgveil: Pgveil): Promise<number> {
  await using source = await servers.connect('source');
  await using twin = await servers.connect('ours');
  const isBegun = () => finds(source, 'SELECT FROM pg_replication_slots');
  const isThere = () => finds(twin, "SELECT WHERE to_regclass('customers') IS NOT NULL");
  const start = await pgveil.shows('the slot', isBegun);
  return (await pgveil.shows('the table', isThere)) - start;
}

/** In ms: asks for a new copy, and waits until it stands behind the public table. */
export async function nextCopy(servers: Servers, pgveil: Pgveil, table: string): Promise<number> {
  await using source = await servers.connect('source');
  await using twin = await servers.connect('ours');
  const generation = 'SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::regclass';
  const { rows } = await twin.query(generation, [table]);
  const isBegun = () => finds(source, 'SELECT FROM pg_replication_slots WHERE temporary');
  const isThere = () => finds(twin, `${generation} AND inhrelid <> $2`, [table, rows[0].inhrelid]);
  const [start] = await Promise.all([pgveil.shows('the temporary slot', isBegun), pgveil.recopy(`public.${table}`)]);
  return (await pgveil.shows('the new copy', isThere)) - start;
}
