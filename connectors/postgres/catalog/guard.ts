import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import { shapeOf, type Table } from '../../../src/core/table.ts';
import { ask } from '../session.ts';
import { readCatalog } from './catalog.ts';
import { haltFor, stale } from './definition.ts';
import type { Asked, Leaf, ReadTable } from './reading.ts';
import type { Stop } from './stop.ts';

/** What a guard rejects with. */
export class Stopped extends Error {
  readonly stop: Stop;

  constructor(stop: Stop) {
    super(stop.message);
    this.stop = stop;
  }
}

/** A table as the snapshot shows it. */
export interface Bound {
  readonly name: string;
  readonly asked: Asked;
  readonly reading: ReadTable;
  /** The copy's consistent point. */
  readonly lsn: Lsn;
}

/**
 * Rejects with `Stopped` unless a leaf, whose lock the caller holds, still is what the snapshot shows. COPY resolves names by the
 * present catalog while the snapshot shows the old one, so that only a session outside of the snapshot (`observer`) can tell.
 *
 * A changed relfilenode stops the table as well: under the old snapshot a rewritten table is read as empty, without an error, and rows
 * that do appear prove nothing, since COPY FREEZE shows new rows to old snapshots (docs/decisions/0007). Whether another leaf was shows when
 * its turn comes, or at the first look behind the copy.
 */
export async function stopIfChanged(observer: pg.Client, bound: Bound, leaf: Leaf): Promise<void> {
  const { name, asked, reading } = bound;
  const now = (await readCatalog(observer, new Map([[name, asked]]), leaf.oid)).tables.get(name)!;
  if (now.problem) throw new Stopped(haltFor(now.problem));
  if (now.table.oid !== reading.table.oid)
    throw stopped(bound, 'another table took its name during the copy', now.table);
  if (!isDeepStrictEqual(shapeOf(now.table), shapeOf(reading.table))) {
    throw stopped(bound, 'its definition changed during the copy', now.table);
  }
  const [same] = now.leaves;
  if (!same || now.partitions !== reading.partitions || !isDeepStrictEqual(identityOf(same), identityOf(leaf))) {
    throw stopped(bound, 'its partitions changed during the copy');
  }
  if (same.relfilenode !== leaf.relfilenode) throw stopped(bound, 'rewritten during the copy');
}

const identityOf = ({ oid, schema, relation, definition }: Leaf) => [oid, schema, relation, definition];

/**
 * Rejects with `Stopped` unless a COPY in `pid` has locked the leaf alone. ALTER SCHEMA … RENAME waits for no lock of a table: between
 * the guard above and the COPY a name can come to mean another table. Asked once the COPY has begun, before a row of it goes on.
 * A session that holds no lock at all is gone, or about to go: `source_away`, which says nothing of the table.
 */
export async function stopIfAnother(observer: pg.Client, bound: Bound, leaf: Leaf, pid: number): Promise<void> {
  const [row] = await ask<Record<'gone' | 'alone', string>>(
    observer,
    `SELECT count(*) = 0 AS gone, array_agg(DISTINCT l.relation::bigint) = ARRAY[$2::bigint] AS alone
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = $1 AND l.locktype = 'relation' AND l.granted AND c.relkind NOT IN ('i', 't')
      AND c.relnamespace <> 'pg_catalog'::regnamespace
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [pid, leaf.oid],
  );
  if (row!.gone === 't') throw new PgveilError('source_away', 'source: the session of a copy ended');
  if (row!.alone !== 't') throw stopped(bound, 'its schema was renamed during the copy');
}

/** The consistent point is where its changes begin to be missing: nothing of the stream was applied to it yet. */
function stopped({ name, lsn }: Bound, reason: string, definition: Table<'raw'> | null = null): Stopped {
  return new Stopped(stale(name, lsn, reason, definition));
}
