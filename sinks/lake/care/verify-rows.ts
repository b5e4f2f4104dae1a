import { type History, rowsIn } from './history.ts';

const OPS = "('r', 'c', 'u', 'd', 't')";

/** What stands in the way of a fold, and of being exactly once: `position` is that of the table's writer. */
export async function verifyRows(history: History, position: bigint): Promise<string[]> {
  const { connection } = history;
  const wrong: string[] = [];
  const count = async (query: string) => Number((await rowsIn(connection, query))[0][0]);
  const check = (rows: number, what: string) => {
    if (rows > 0) wrong.push(`${rows} ${what}`);
  };
  check(
    await count(`SELECT count(*) FROM history WHERE lsn > ${position} OR (lsn = ${position} AND seq > 0)`),
    'rows lie behind the position that the table says it has',
  );
  check(
    await count(`SELECT count(*) FROM history WHERE op NOT IN ${OPS} OR op IS NULL OR (op = 't') <> (key IS NULL)`),
    'rows are of no kind that there is, or have no key',
  );
  let [repeated, unknown] = [0, 0];
  for await (const bucket of history.buckets()) {
    repeated += await count(
      `SELECT count(*) FROM (SELECT 1 FROM ${bucket} WHERE seq = 0 GROUP BY key, lsn HAVING count(*) > 1)`,
    );
    const first = `SELECT key, min({'lsn': lsn, 'seq': seq}) AS place FROM ${bucket} GROUP BY key`;
    unknown += await count(`SELECT count(*) FROM history h JOIN (${first}) f ON f.key = coalesce(h.previous, h.key)
      WHERE h.is_partial AND (f.place.lsn, f.place.seq) >= (h.lsn, h.seq)`);
  }
  for await (const places of history.places()) {
    repeated += await count(
      `SELECT count(*) FROM (SELECT 1 FROM ${places} WHERE seq > 0 GROUP BY lsn, seq HAVING count(*) > 1)`,
    );
  }
  unknown += await count(`SELECT count(*) FROM history h
    WHERE h.is_partial AND h.previous IS NOT NULL AND h.previous NOT IN (SELECT key FROM history WHERE key IS NOT NULL)`);
  check(repeated, 'places in the stream have more than one row');
  check(unknown, 'rows leave out values that no earlier row has');
  return wrong;
}
