import { after, describe, test } from 'node:test';
import { Servers } from '../support/trial/servers.ts';

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

/** 9,600 characters that do not compress; another one for another seed. */
const large = (seed: string) => `(SELECT string_agg(md5(${seed} || i), '') FROM generate_series(1, 300) i)`;

const SETUP = `
  CREATE TABLE letter (id integer PRIMARY KEY, subject text, body text, secret text, remark text);
  ALTER TABLE letter ALTER body SET STORAGE EXTERNAL, ALTER secret SET STORAGE EXTERNAL, ALTER remark SET STORAGE EXTERNAL;
  INSERT INTO letter SELECT n, 'copied', ${large('n::text')}, ${large("'s' || n")}, ${large("'r' || n")} FROM generate_series(1, 20) n;
  CREATE TABLE long_key (k text PRIMARY KEY, n integer);
  ALTER TABLE long_key ALTER k SET STORAGE EXTERNAL;
  INSERT INTO long_key SELECT substr(${large('n::text')}, 1, 2400), n FROM generate_series(1, 5) n;
`;

const tables = {
  'public.letter': {
    columns: { id: 'keep', subject: 'keep', body: 'keep', secret: 'hash', remark: { mask: { first: 2 } } },
  },
  'public.long_key': { columns: { k: 'keep', n: 'keep' } },
} as const;

/** Each line is a transaction; all of them leave some large value unsent. */
const CHANGES = [
  // Rows of the copy
  `UPDATE letter SET subject = 'touched' WHERE id = 1`,
  `UPDATE letter SET body = body WHERE id = 2`,
  `UPDATE letter SET body = ${large("'new'")} WHERE id = 3`,
  `UPDATE letter SET secret = NULL WHERE id = 4`,
  `UPDATE letter SET id = 105, subject = 'moved' WHERE id = 5`,
  // Rows of the stream, in one transaction and over several
  `INSERT INTO letter SELECT n, 'inserted', ${large('n::text')}, ${large("'s' || n")}, 'short' FROM generate_series(30, 40) n`,
  `UPDATE letter SET subject = 'touched' WHERE id BETWEEN 30 AND 33`,
  `INSERT INTO letter SELECT 50, 'inserted', ${large("'50'")}, ${large("'s50'")}, NULL; UPDATE letter SET subject = 'at once' WHERE id = 50`,
  // A value that is set and then left alone, one that is left alone and then set
  `UPDATE letter SET secret = ${large("'set'")} WHERE id = 6; UPDATE letter SET subject = 'then alone' WHERE id = 6`,
  `UPDATE letter SET subject = 'alone first' WHERE id = 7; UPDATE letter SET body = ${large("'set'")} WHERE id = 7`,
  `UPDATE letter SET body = 'short' WHERE id = 8; UPDATE letter SET subject = 'x' WHERE id = 8`,
  `UPDATE letter SET remark = ${large("'r'")} WHERE id = 9; UPDATE letter SET secret = ${large("'s'")} WHERE id = 9; UPDATE letter SET subject = 'x' WHERE id = 9`,
  // Moves: of a row already changed, back and forth, onto the key of another one
  `UPDATE letter SET subject = 'x' WHERE id = 10; UPDATE letter SET id = 110 WHERE id = 10; UPDATE letter SET subject = 'y' WHERE id = 110`,
  `UPDATE letter SET id = 111 WHERE id = 11; UPDATE letter SET id = 11 WHERE id = 111`,
  `UPDATE letter SET id = 999 WHERE id = 12; UPDATE letter SET id = 12 WHERE id = 13; UPDATE letter SET id = 13 WHERE id = 999`,
  `DELETE FROM letter WHERE id = 14; UPDATE letter SET id = 14 WHERE id = 15`,
  // A new row under an old key owes nothing to the old one
  `DELETE FROM letter WHERE id = 16; INSERT INTO letter VALUES (16, 'again', 'short', 'short', NULL)`,
  `DELETE FROM letter WHERE id = 17; INSERT INTO letter SELECT 17, 'again', ${large("'17'")}, ${large("'s17'")}, NULL; UPDATE letter SET subject = 'z' WHERE id = 17`,
  `TRUNCATE long_key; INSERT INTO long_key SELECT substr(${large('n::text')}, 1, 2400), n FROM generate_series(1, 5) n`,
  // The key itself is the large value
  `UPDATE long_key SET n = n + 10 WHERE n < 4`,
  `UPDATE long_key SET k = 'short' WHERE n = 5`,
  `DELETE FROM long_key WHERE n = 4`,
];

describe('a large value that an update leaves alone', () => {
  for (const identity of ['DEFAULT', 'FULL']) {
    test(`keeps its old text in the twin, under REPLICA IDENTITY ${identity}`, async () => {
      const setup = `${SETUP}; ALTER TABLE letter REPLICA IDENTITY ${identity}; ALTER TABLE long_key REPLICA IDENTITY ${identity}`;
      await using trial = await servers.trial(setup, tables);
      const pgveil = await trial.stream();
      for (const change of CHANGES) await trial.source.query(change);
      await trial.holdsAll(pgveil);
      await trial.assertEqual();
    });
  }

  test('keeps its old text in the twin when all changes arrive at once after a pause', async () => {
    await using trial = await servers.trial(SETUP, tables);
    await (await trial.stream()).stop();
    for (const change of CHANGES) await trial.source.query(change);
    await trial.catchUp();
    await trial.assertEqual();
  });
});
