// Whether the demo may say that all is well. Of the twin it is an opinion of its own, that shares no code with pgveil; lake and topics
// are read as their pages in docs/ say, and compared with the twin row by row.

import { differences } from '../test/support/judge/oracle.ts';
import { topicDifferences } from '../test/support/kafka/topics.ts';
import { dumpLake, lakeDifferences } from '../test/support/lake/lake.ts';
import { Search } from './search.ts';
import type { Stage } from './stage.ts';

/** How many rows of each sink are not redact(source). */
export type Mismatches = Readonly<Record<string, number>>;

/** All must be quiet. */
export async function countMismatches(stage: Stage): Promise<Mismatches> {
  const { lake, topics } = stage.beside;
  const tables = Object.keys(stage.tables);
  const twin = await stage.connect('twin');
  return {
    twin: await twinMismatches(stage),
    lake: told('lake', await lakeDifferences(lake, twin, tables)),
    ...(topics ? { topics: told('topics', await topicDifferences(topics, twin, tables)) } : {}),
  };
}

/** Computed from the rules of docs/configuration.md alone, by code that is not the product's. */
async function twinMismatches(stage: Stage): Promise<number> {
  const { tables, key } = stage;
  const found = await differences({ source: stage.url('source'), twin: stage.url('twin'), tables, key });
  told(
    'twin',
    found.map(({ table, what, rows }) => `${table}: ${what}${rows > 0 ? `: ${rows} rows` : ''}`),
  );
  return found.reduce((sum, { rows }) => sum + Math.max(1, rows), 0);
}

function told(sink: string, differences: readonly string[]): number {
  for (const difference of differences) say(`${sink}: ${difference}`);
  return differences.length;
}

/**
 * How many of the raw values that the shop ever wrote into redacted columns are somewhere beyond pgveil: in the twin's
 * data directory and WAL, in the lake's names, logs and files, in the broker's segments, in the twin's log, in pgveil's own output, in
 * `pages` of its HTTP server. Stops the twin, so that all is on disk.
 */
export async function countRawValues(stage: Stage, pages: readonly string[]): Promise<number> {
  const values = { raw: stage.raw.values, kept: await keptValues(stage) };
  await stage.twin.stop('fast');
  const { lake, kafka } = stage.beside;
  const said = [await stage.twin.log(), ...stage.processes.map(({ output }) => output), ...pages].join('\n');
  const found = [
    await searched('the twin', values, (search) => search.directory(stage.twin.dataDirectory)),
    await searched('the lake', values, async (search) => search.bytes(Buffer.from(await dumpLake(lake)))),
    kafka ? await searched('the broker', values, (search) => search.directory(kafka.node(1).directory)) : [],
    await searched('what was said', { raw: values.raw, kept: [] }, (search) => search.bytes(Buffer.from(said))),
  ];
  const all = new Set(found.flatMap((each) => [...each]));
  say(`looked for ${values.raw.size} raw values beyond pgveil, found ${all.size}`);
  return all.size;
}

interface Values {
  readonly raw: Iterable<string>;
  readonly kept: readonly string[];
}

/** The raw values that are there. What is kept must be: otherwise the search looked in the wrong place, and finding nothing means nothing. */
async function searched(
  place: string,
  { raw, kept }: Values,
  look: (search: Search) => Promise<void> | void,
): Promise<Iterable<string>> {
  const search = new Search([...raw, ...kept]);
  await look(search);
  const missing = kept.filter((value) => !search.found.delete(value));
  if (missing.length === 0) return search.found;
  throw new Error(`the search found all but ${missing.length} of the ${kept.length} values that ${place} holds`);
}

async function keptValues(stage: Stage): Promise<string[]> {
  const sql = 'SELECT name FROM product ORDER BY product_id LIMIT 20';
  return (await stage.source.query(sql, { database: 'shop' })).map(({ name }) => name);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
