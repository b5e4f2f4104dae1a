// Whether the demo may say that all is well: an opinion of its own, that shares no code with pgveil.
import { differences } from '../test/support/oracle.ts';
import { Search } from './search.ts';
import type { Stage } from './stage.ts';

/** How many rows of the twin are not redact(source), computed from contract.md alone. Both sides must be quiet. */
export async function countMismatches(stage: Stage): Promise<number> {
  const { tables, key } = stage;
  const found = await differences({ source: stage.url('source'), twin: stage.url('twin'), tables, key });
  for (const { table, what, rows } of found) say(`${table}: ${what}${rows > 0 ? `: ${rows} rows` : ''}`);
  return found.reduce((sum, { rows }) => sum + Math.max(1, rows), 0);
}

/**
 * How many of the raw values that the shop ever wrote into redacted columns are somewhere beyond pgveil: in the twin's
 * data directory, log and WAL, in pgveil's own output, in `pages` of its HTTP server. Stops the twin, so that all is on disk.
 */
export async function countRawValues(stage: Stage, pages: readonly string[]): Promise<number> {
  const kept = await keptValues(stage);
  await stage.twin.stop('fast');
  const search = new Search([...stage.raw.values, ...kept]);
  await search.directory(stage.twin.dataDirectory);
  const texts = [await stage.twin.log(), ...stage.processes.map(({ output }) => output), ...pages];
  for (const text of texts) search.bytes(Buffer.from(text));
  const seen = kept.filter((value) => search.found.delete(value)).length;
  // What is kept must be there: otherwise the search looked in the wrong place, and its zero means nothing.
  if (seen < kept.length) throw new Error(`the search found only ${seen} of ${kept.length} values that the twin holds`);
  say(`looked for ${stage.raw.values.size} raw values beyond pgveil, found ${search.found.size}`);
  return search.found.size;
}

async function keptValues(stage: Stage): Promise<string[]> {
  const sql = 'SELECT name FROM product ORDER BY product_id LIMIT 20';
  return (await stage.source.query(sql, { database: 'shop' })).map(({ name }) => name);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
