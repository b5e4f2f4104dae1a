// What a soak writes to. Every row counts its own changes, so that of each key one can see whether a change is missing or there twice.
import type { Tables } from '../support/judge/decisions.ts';

/** Rows of each table at the beginning, numbered from 1; about so many it keeps. */
export const ROWS = 20_000;

/** `mood` comes and goes. */
export const SETUP = `
  CREATE TABLE account (id bigint PRIMARY KEY, version integer NOT NULL, email text, balance numeric(12,2), note text,
    touched timestamptz DEFAULT now(), mood text DEFAULT 'calm');
  ALTER TABLE account ALTER note SET STORAGE EXTERNAL;
  ALTER TABLE account REPLICA IDENTITY FULL;
  CREATE TABLE visit (place text, id bigint, version integer NOT NULL, weight double precision, at date, mood text DEFAULT 'calm',
    PRIMARY KEY (place, id));
  INSERT INTO account SELECT i, 1, 'person' || i || '@shop.test', i / 7.0, repeat(md5(i::text), 1 + i % 50 / 49 * 80)
    FROM generate_series(1, ${ROWS}) i;
  INSERT INTO visit SELECT 'place ' || i % 9, i, 1, i / 7.0, current_date FROM generate_series(1, ${ROWS}) i;
`;

export const tables: Tables = {
  'public.account': {
    columns: {
      id: 'keep',
      version: 'keep',
      email: { hash: { class: 'email' } },
      balance: 'keep',
      note: { mask: { first: 3 } },
      touched: 'keep',
      mood: 'keep',
    },
  },
  'public.visit': {
    columns: {
      place: { hash: { class: 'place' } },
      id: 'keep',
      version: 'keep',
      weight: 'keep',
      at: 'keep',
      mood: 'keep',
    },
  },
};

/** One transaction in each: `$1` is a new id, `$2` those of rows to update, `$3` that of one to delete. Gives what it changed. */
export const TRANSACTIONS: readonly string[] = [
  `WITH added AS (
      INSERT INTO account (id, version, email, balance, note)
      VALUES ($1::bigint, 1, 'person' || $1 || '@shop.test', $1 / 7.0, repeat(md5($1::text), 1 + $1::int % 50 / 49 * 80)) RETURNING 1),
    changed AS (
      UPDATE account SET version = version + 1, balance = balance + 1, touched = now() WHERE id = ANY ($2::bigint[]) RETURNING 1),
    gone AS (DELETE FROM account WHERE id = $3::bigint RETURNING 1)
    SELECT (SELECT count(*) FROM added) + (SELECT count(*) FROM changed) + (SELECT count(*) FROM gone) AS changes,
      pg_current_wal_insert_lsn() AS lsn`,
  `WITH added AS (
      INSERT INTO visit (place, id, version, weight, at)
      VALUES ('place ' || $1::bigint % 9, $1, 1, $1 / 7.0, current_date) RETURNING 1),
    changed AS (
      UPDATE visit SET version = version + 1, weight = weight * 1.5
      WHERE (place, id) IN (SELECT 'place ' || i % 9, i FROM unnest($2::bigint[]) i) RETURNING 1),
    gone AS (DELETE FROM visit WHERE (place, id) = ('place ' || $3::bigint % 9, $3) RETURNING 1)
    SELECT (SELECT count(*) FROM added) + (SELECT count(*) FROM changed) + (SELECT count(*) FROM gone) AS changes,
      pg_current_wal_insert_lsn() AS lsn`,
];
