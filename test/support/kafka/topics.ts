// Compares `flat` topics with the twin that was fed beside them: the fold of their records under the rules of docs/05-kafka.md.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import { topicName } from '../../../sinks/kafka/topics/topic-name.ts';
import { parseTableName } from '../../../src/core/table-name.ts';
import { type FlatRecord, flatRecords, foldByKey, latestByKey, twice } from '../../sinks/kafka/fold.ts';
import { idsOf, markersWritten, plainConnection } from '../../sinks/kafka/parts.ts';

interface Topics {
  readonly brokers: readonly string[];
  readonly pipeline: string;
}

type Fold = (names: readonly string[], records: readonly FlatRecord[]) => Map<string, (string | null)[]>;

/** What differs, by table; rows are named by a hash of their key. Both must be quiet. */
export async function topicDifferences(topics: Topics, twin: pg.Client, tables: readonly string[]) {
  return await differencesUnder(foldByKey, topics, twin, tables);
}

/** The same of compacted topics, for a reader that goes by the last record of each key and knows nothing of markers. */
export async function latestDifferences(topics: Topics, twin: pg.Client, tables: readonly string[]) {
  return await differencesUnder(latestByKey, topics, twin, tables);
}

async function differencesUnder(fold: Fold, { brokers, pipeline }: Topics, twin: pg.Client, tables: readonly string[]) {
  const cluster = new Cluster(plainConnection(brokers));
  try {
    await markersWritten(cluster, idsOf(pipeline));
    const found: string[] = [];
    for (const table of tables) {
      const records = await flatRecords(cluster, topicOf(pipeline, table));
      found.push(...(await foldDifferences(records, twin, table, fold)).map((what) => `${table}: ${what}`));
    }
    return found;
  } finally {
    await cluster.close();
  }
}

/** As it is called by default. */
export function topicOf(pipeline: string, table: string): string {
  return topicName({ template: '{name}.{schema}.{table}', pipeline }, parseTableName(table));
}

/** What differs between the fold of one table's records and the twin. */
export async function foldDifferences(
  records: readonly FlatRecord[],
  twin: pg.Client,
  table: string,
  fold: Fold = foldByKey,
): Promise<string[]> {
  await twin.query(`SET TimeZone = 'UTC'`);
  const { fields } = await twin.query(`SELECT * FROM ${table} LIMIT 0`);
  const names = fields.map(({ name }) => name).filter((name) => name !== 'source_primary_key');
  const columns = names.map((name) => `"${name.replaceAll('"', '""')}"::text`);
  const sql = `SELECT source_primary_key::text, ${columns.join(', ')} FROM ${table}`;
  const { rows } = await twin.query({ text: sql, rowMode: 'array' });
  const there = new Map(rows.map(([key, ...cells]) => [key as string, JSON.stringify(cells)]));
  const folded = new Map([...fold(names, records)].map(([key, cells]) => [key, JSON.stringify(cells)]));
  const different = [...new Set([...there.keys(), ...folded.keys()])].filter(
    (key) => there.get(key) !== folded.get(key),
  );
  const duplicates = twice(records).map((place) => `twice: ${place}`);
  return [...duplicates, ...different.map((key) => difference(key, folded, there))].slice(0, 5);
}

function difference(key: string, topic: ReadonlyMap<string, string>, twin: ReadonlyMap<string, string>): string {
  const row = createHash('sha256').update(key).digest('hex').slice(0, 12);
  if (topic.has(key) && twin.has(key)) return `row ${row} is different`;
  return `row ${row} ${topic.has(key) ? 'is in the topic alone' : 'is not in the topic'}`;
}
