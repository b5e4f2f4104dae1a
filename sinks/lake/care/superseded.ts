import { type History, rowsIn } from './history.ts';

/** What a fold comes to, in rows. */
export interface Marked {
  /** Rows that later ones took the place of. */
  readonly dropped: number;
  /** Rows that get values from those, since they were not sent again. */
  readonly filled: number;
  /** Keys of which nothing is left up to the horizon. */
  readonly keys: number;
}

/**
 * Finds what later rows up to `horizon` took the place of, as a temporary table `marks` of (file, row, mark). Up to there a table without
 * these rows is its state at that place of the stream; behind it every row stays.
 *
 * drop: gone. fill: takes on unchanged values of rows that go. forget: names a key whose rows go.
 */
export async function markSuperseded(history: History, horizon: bigint): Promise<Marked> {
  const { connection } = history;
  await connection.run('CREATE TEMP TABLE marks (file INTEGER, row BIGINT, mark VARCHAR)');
  const [truncated] = await rowsIn(
    connection,
    `SELECT lsn, seq FROM history WHERE op = 't' AND lsn <= ${horizon} ORDER BY lsn DESC, seq DESC LIMIT 1`,
  );
  const [lsn, seq] = truncated ?? [-1n, -1n];
  const isGone = `(lsn, seq) <= (${lsn}::BIGINT, ${seq}::BIGINT)`;
  await connection.run(`INSERT INTO marks SELECT file, row, 'drop' FROM history WHERE lsn <= ${horizon} AND ${isGone}`);
  let keys = 0;
  for await (const bucket of history.buckets()) {
    const rows = `(SELECT * FROM ${bucket} WHERE lsn <= ${horizon})`;
    const latest = `(SELECT *, row_number() OVER (PARTITION BY key ORDER BY lsn DESC, seq DESC) AS age FROM ${rows} WHERE NOT (${isGone}))`;
    const mark = `CASE WHEN age > 1 OR op = 'd' THEN 'drop' WHEN is_partial THEN 'fill' WHEN previous IS NOT NULL THEN 'forget' END`;
    await connection.run(
      `INSERT INTO marks SELECT * FROM (SELECT file, row, ${mark} AS mark FROM ${latest}) WHERE mark IS NOT NULL`,
    );
    const there = `SELECT key FROM ${latest} WHERE age = 1 AND op <> 'd'`;
    const [[gone]] = await rowsIn(
      connection,
      `SELECT count(DISTINCT key) - (SELECT count(*) FROM (${there})) FROM ${rows}`,
    );
    keys += Number(gone);
  }
  const [[dropped, filled]] = await rowsIn(
    connection,
    `SELECT count(*) FILTER (mark = 'drop'), count(*) FILTER (mark = 'fill') FROM marks`,
  );
  return { dropped: Number(dropped), filled: Number(filled), keys };
}
