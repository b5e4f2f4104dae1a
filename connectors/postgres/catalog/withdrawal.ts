import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { SourceConfig } from '../../../config/config.ts';
import { ERRORS, PgveilError } from '../../../src/core/errors.ts';
import type { Observe } from '../../../src/core/observer.ts';
import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import { ask } from '../session.ts';
import type { Turn } from '../turn.ts';
import { type Named, withdraw } from './publication.ts';
import { IDENTITY_OF_C, IS_OURS } from './query.ts';
import type { Asked } from './reading.ts';

/** So long the application may meet with refusals. The query took 14 ms for 500 tables, and takes no lock. */
const EVERY_MS = 2000;

/**
 * Members of a publication of ours on which the server refuses UPDATE and DELETE because they are published: those without a replica identity,
 * and since 18 those (or a partition of them) whose replica identity holds a generated column that is not sent. Every one of them halts for
 * what it is, by `findKey` or `whyIdentityUnfit`: it does not come back by the next copy.
 */
const HARMED = `
  WITH RECURSIVE tree AS (
    SELECT r.prrelid AS member, r.prrelid AS oid, to_jsonb(p) ->> 'pubgencols' = 'n' AS lacks_generated
    FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
    WHERE p.pubname = $1 AND ${IS_OURS} AND (p.pubupdate OR p.pubdelete)
    UNION ALL
    SELECT tree.member, h.inhrelid, tree.lacks_generated FROM tree
    JOIN pg_inherits h ON h.inhparent = tree.oid JOIN pg_class c ON c.oid = h.inhrelid AND c.relispartition
  )
  SELECT DISTINCT m.oid, n.nspname AS schema, m.relname AS relation
  FROM tree JOIN pg_class c ON c.oid = tree.oid AND c.relkind = 'r'
  JOIN pg_class m ON m.oid = tree.member JOIN pg_namespace n ON n.oid = m.relnamespace
  CROSS JOIN LATERAL (SELECT (${IDENTITY_OF_C})::jsonb AS columns) AS identity
  WHERE identity.columns = '[]' OR EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND (a.attgenerated = 'v' OR (a.attgenerated = 's' AND tree.lacks_generated))
      AND (identity.columns IS NULL OR identity.columns ? a.attname))`;

export interface WithdrawalOptions {
  readonly source: Pick<SourceConfig, 'url' | 'publication'>;
  readonly asked: ReadonlyMap<string, Asked>;
  readonly use: <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;
  /** Whoever alters the publication takes turns. */
  readonly publishing: Turn;
  readonly observe: Observe;
}

/**
 * Keeps the publication from breaking the application's writes, whatever somebody does to a table of it: takes that one out. Beside stream and
 * copies, which may be hours from where they would notice. Ends with `signal`, and never rejects: what fails is said once, and tried again.
 */
export async function withdrawHarmed(options: WithdrawalOptions, signal: AbortSignal): Promise<void> {
  let said = '';
  while (!signal.aborted) {
    const failure = await withdrawOnce(options, signal).then(() => '', messageOf);
    if (failure !== '' && failure !== said && !signal.aborted) options.observe({ type: 'step', message: failure });
    said = failure;
    await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
  }
}

const messageOf = (error: unknown) =>
  `a table whose writes the publication blocks could not be removed from it: ${error instanceof PgveilError ? error.message : 'a defect'}`;

async function withdrawOnce(options: WithdrawalOptions, signal: AbortSignal): Promise<void> {
  const { source, use, publishing, observe, asked } = options;
  const { url, publication } = source;
  if ((await use((client) => findHarmed(client, publication))).length === 0) return;
  const end = await publishing.take(signal);
  try {
    signal.throwIfAborted();
    const harmed = await use((client) => findHarmed(client, publication));
    if (harmed.length === 0) return;
    await withdraw(url, publication, harmed);
    for (const table of harmed) observe({ type: 'warning', ...warningOf(table, publication, asked) });
  } finally {
    end();
  }
}

export async function findHarmed(client: pg.Client, publication: string): Promise<Named[]> {
  const rows = await ask<Record<'oid' | 'schema' | 'relation', string>>(client, HARMED, [publication]);
  return rows.map(({ oid, schema, relation }) => ({ oid: Number(oid), schema, relation }));
}

function warningOf({ schema, relation }: Named, publication: string, asked: ReadonlyMap<string, Asked>) {
  const configured = [...asked].find(([, table]) => table.schema === schema && table.relation === relation);
  const table = configured?.[0] ?? quoteTable({ schema, relation });
  const message = `${table} was taken out of the publication ${quoteName(publication)}: PostgreSQL refused UPDATE and DELETE on it`;
  return { table, code: 'writes_refused', message, fix: ERRORS.writes_refused.fix } as const;
}
