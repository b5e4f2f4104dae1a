import type { DuckDBConnection } from '@duckdb/node-api';
import { rowsIn } from './history.ts';

/** Not sent by itself: what a value was before is in an earlier row. */
const ENDS = `(NOT h.is_partial OR h.op IN ('r', 'c'))`;

/**
 * Finds the rows that have the values which rows marked `fill` lack, and those that lead there, as a temporary table `links` of
 * (file, row, part, is_target): back to where all was sent, and from there under another key where the row came from one. What belongs
 * together is of one part; a target is a row marked `fill` itself.
 */
export async function findLinks(connection: DuckDBConnection): Promise<void> {
  await connection.run('CREATE TEMP TABLE links (file INTEGER, row BIGINT, part UBIGINT, is_target BOOLEAN)');
  await connection.run(`CREATE TEMP TABLE frontier AS
    SELECT h.key, h.lsn, h.seq, hash(h.key) AS part, true AS is_target FROM history h JOIN marks USING (file, row) WHERE mark = 'fill'`);
  while (Number((await rowsIn(connection, 'SELECT count(*) FROM frontier'))[0][0]) > 0) {
    const until = 'h.key = f.key AND (h.lsn, h.seq) <= (f.lsn, f.seq)';
    await connection.run(`CREATE OR REPLACE TEMP TABLE ends AS
      SELECT f.key, f.lsn, f.seq, f.part, max({'lsn': h.lsn, 'seq': h.seq}) AS place FROM frontier f JOIN history h ON ${until} WHERE ${ENDS} GROUP BY ALL`);
    await connection.run(`INSERT INTO links
      SELECT h.file, h.row, f.part, f.is_target AND (h.lsn, h.seq) = (f.lsn, f.seq) FROM frontier f JOIN history h ON ${until} LEFT JOIN ends e ON (e.key, e.lsn, e.seq) = (f.key, f.lsn, f.seq)
      WHERE e.place IS NULL OR (h.lsn, h.seq) >= (e.place.lsn, e.place.seq)`);
    await connection.run(`CREATE OR REPLACE TEMP TABLE frontier AS
      SELECT h.previous AS key, h.lsn, h.seq - 1 AS seq, e.part, false AS is_target FROM ends e JOIN history h ON h.key = e.key AND (h.lsn, h.seq) = (e.place.lsn, e.place.seq)
      WHERE h.is_partial AND h.previous IS NOT NULL`);
  }
}
