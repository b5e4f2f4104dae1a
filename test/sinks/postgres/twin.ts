// A twin for tests: a database on a real server, sinks over it, and looks into it.

import type { TwinOptions } from '../../../sinks/postgres/session.ts';
import { PostgresSink } from '../../../sinks/postgres/sink.ts';
import type { Observation } from '../../../src/core/observer.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { RedactedTable } from '../../../src/core/table.ts';
import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import { copyOf, positionAt, type Row, writeCopy } from '../../support/batches.ts';
import type { PostgresServer } from '../../support/postgres/postgres.ts';

export const signal = new AbortController().signal;

/** A sink over the server's own database, and what it observed. */
export class TestSink extends PostgresSink {
  readonly observed: Observation[];

  constructor(server: PostgresServer, changed: Partial<TwinOptions> = {}) {
    const observed: Observation[] = [];
    super(optionsFor(server, changed), (observation) => observed.push(observation));
    this.observed = observed;
  }
}

export function optionsFor(server: PostgresServer, changed: Partial<TwinOptions> = {}): TwinOptions {
  return {
    name: 'twin',
    patienceMs: 0,
    mayDetach: false,
    pipeline: 'shop',
    url: new Secret(server.url()),
    indexes: true,
    types: new Map(),
    sourcePrimaryKey: 'source_primary_key',
    room: null,
    tables: new Map(),
    ...changed,
  };
}

/** Opens it, if need be, and makes a copy of these rows durable. */
export async function copyInto(
  sink: PostgresSink,
  table: RedactedTable,
  rows: readonly Row[],
  pos = 0x100n,
): Promise<void> {
  await writeCopy(sink, copyOf(table, rows));
  await sink.flush(positionAt(pos));
  await sink.settled(table.name);
}

/** The columns of the source as text, in the order of the key. */
export async function rowsOf(server: PostgresServer, table: RedactedTable): Promise<Row[]> {
  const columns = table.columns.map(({ name }) => `${quoteName(name)}::text`);
  const rows = await server.query<{ row: Row }>(
    `SELECT ARRAY[${columns.join(', ')}]::text[] AS row FROM ${quoteTable(table)} ORDER BY source_primary_key`,
  );
  return rows.map(({ row }) => row);
}

/** The keys as text, sorted as text. */
export async function keysOf(server: PostgresServer, table: RedactedTable): Promise<string[]> {
  const sql = `SELECT source_primary_key::text AS key FROM ${quoteTable(table)} ORDER BY source_primary_key::text COLLATE "C"`;
  return (await server.query<{ key: string }>(sql)).map(({ key }) => key);
}
