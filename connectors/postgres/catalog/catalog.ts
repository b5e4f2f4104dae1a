import type pg from 'pg';
import { parseLsn } from '../../../src/core/lsn.ts';
import type { Column, Index, Table } from '../../../src/core/table.ts';
import { quoteTable } from '../../../src/postgres/quote.ts';
import { ask } from '../session.ts';
import { whyIdentityUnfit } from './identity.ts';
import { findKey } from './key.ts';
import { CATALOG } from './query.ts';
import type { Asked, Leaf, Problem, Reading, Snapshot, TableReading } from './reading.ts';
import { type CatalogRow, type ColumnRow, type IndexRow, parseRow, type RelationRow, type TextRow } from './row.ts';

/**
 * Reads the definition of every asked table, all in one snapshot: the statement's own, or that of the transaction that `client` is in.
 * Takes no lock on any of them. Where a `leaf` (its oid) is named, no other is read: a thousand take 40 ms. What is wrong with a table stands in its reading; rejects with a PgveilError only when the query fails.
 */
export async function readCatalog(
  client: pg.Client,
  asked: ReadonlyMap<string, Asked>,
  leaf: number | null = null,
): Promise<Reading> {
  const relations = [...asked.values()];
  const names = [...asked.keys()];
  const values = [
    relations.map(({ schema }) => schema),
    relations.map(({ relation }) => relation),
    relations.map(({ publication }) => publication),
    leaf,
  ];
  const rows = await ask<TextRow>(client, CATALOG, values);
  const found = new Map<string, CatalogRow | null>();
  for (const row of rows) if (row.nth !== null) found.set(names[Number(row.nth) - 1]!, parseRow(row));
  const listed = new Set([...found.values()].map((row) => row?.relation.oid));
  const read = (name: string) => readTable(name, asked.get(name)!, found.get(name) ?? null, listed);
  return {
    snapshot: parseSnapshot(rows[0]!.snapshot),
    lsn: parseLsn(rows[0]!.lsn),
    tables: new Map(names.map((name) => [name, read(name)])),
  };
}

/**
 * The same inside of a transaction that may last for hours. Its locks on the catalog end here: whoever wants the catalog for itself (VACUUM FULL of
 * pg_attribute) would wait for the transaction, and everybody else behind that one.
 */
export async function readCatalogWithin(client: pg.Client, asked: ReadonlyMap<string, Asked>): Promise<Reading> {
  await ask(client, 'SAVEPOINT reading');
  const reading = await readCatalog(client, asked);
  await ask(client, 'ROLLBACK TO SAVEPOINT reading');
  return reading;
}

/** `xmin:xmax:xip,xip`, as pg_current_snapshot() writes it. */
export function parseSnapshot(text: string): Snapshot {
  const [xmin = '', xmax = '', running = ''] = text.split(':');
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), running: running === '' ? [] : running.split(',').map(BigInt) };
}

function readTable(name: string, asked: Asked, found: CatalogRow | null, listed: ReadonlySet<unknown>): TableReading {
  const stop = (problem: Omit<Problem, 'oid'>): TableReading => ({
    table: null,
    leaves: [],
    problem: { oid: found?.relation.oid ?? 0, ...problem },
  });
  if (!found) {
    return stop({
      code: 'table_missing',
      message: `${name} is not there`,
      fix: 'Correct the name in `tables`, or rename the table back.',
    });
  }
  const unfit = whyUnfit(name, found, listed);
  if (unfit) return stop(unfit);
  const key = findKey(found, name, asked);
  if ('code' in key) return stop(key);
  const refused = whyIdentityUnfit(found, name, key, asked);
  return refused ? stop(refused) : readDefinition(name, found, key.columns);
}

const KINDS: Record<string, string> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  c: 'a type',
};

function whyUnfit(name: string, found: CatalogRow, listed: ReadonlySet<unknown>): Omit<Problem, 'oid'> | null {
  const unfit = (what: string, fix: string) => ({ code: 'table_unfit', message: `${name} ${what}`, fix }) as const;
  const { kind } = found.relation;
  if (kind !== 'r' && kind !== 'p') {
    return unfit(`is ${KINDS[kind] ?? 'not a table'}`, 'List the tables that its rows come from instead.');
  }
  for (const relation of [found.relation, ...found.leaves.read]) {
    const about = relation === found.relation ? 'is' : `has the partition ${quoteTable(relation)}, which is`;
    if (relation.kind === 'f')
      return unfit(`${about} a foreign table`, 'Detach that partition, or leave the table out.');
    if (relation.persistence === 'u')
      return unfit(`${about} unlogged`, `ALTER TABLE ${quoteTable(relation)} SET LOGGED;`);
    if (relation.persistence === 't') return unfit(`${about} temporary`, 'Leave it out.');
  }
  if (found.ancestors.some(({ oid }) => listed.has(oid))) {
    return unfit(
      'is a partition of a table that is listed too',
      'Leave the partition out: its rows arrive with the whole table.',
    );
  }
  if (found.ancestors.some(({ sent }) => sent)) {
    return unfit(
      'is a partition of a table that is published: its changes are sent as that one’s',
      'List the whole table instead, or detach the partition.',
    );
  }
  return null;
}

function readDefinition(name: string, found: CatalogRow, keyAttnums: readonly number[]): TableReading {
  const { oid, schema, relation, replicaIdentity } = found.relation;
  const columns = columnsOf(found, '');
  const at = new Map(columns.map(({ attnum }, index) => [attnum, index]));
  const carried = found.indexes.filter((index) => canCarry(index, at));
  const table: Table<'raw'> = {
    oid,
    schema,
    relation,
    name,
    columns,
    key: keyAttnums.map((attnum) => at.get(attnum)!),
    identity: replicaIdentity === 'f' ? 'full' : replicaIdentity === 'i' ? 'index' : 'default',
    indexes: carried.map(
      ({ name, method, columns }): Index => ({
        name,
        method,
        columns: columns.map((attnum) => at.get(attnum)!),
      }),
    ),
  };
  const omittedIndexes = found.indexes.filter((index) => !carried.includes(index)).map(({ name }) => name);
  const leaves = found.relation.kind === 'p' ? found.leaves.read : [found.relation];
  return {
    ...{ table, omittedIndexes, problem: null },
    generated: columnsOf(found, 's'),
    leaves: leaves.map(asLeaf),
    partitions: found.leaves.oids,
    publishing: found.publishing,
    types: found.types,
  };
}

function columnsOf({ columns }: CatalogRow, kind: ColumnRow['generated']): Column[] {
  return columns
    .filter(({ generated }) => generated === kind)
    .map(({ attnum, name, type, deterministic }) => ({ attnum, name, type, deterministic }));
}

/** Only what columns and a method describe in full. */
function canCarry(index: IndexRow, at: ReadonlyMap<number, number>): boolean {
  return (
    !index.partial && !index.expressions && index.defaultClasses && index.columns.every((attnum) => at.has(attnum))
  );
}

const asLeaf = ({ kind, persistence, replicaIdentity, identity, ...leaf }: RelationRow): Leaf => leaf;
