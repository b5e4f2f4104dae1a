import { after, describe, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';

// `PGVEIL_TEST_SEED=17` (or `17,18,19`) repeats a run exactly, but for the moments at which processes are scheduled.
const seeds = (process.env.PGVEIL_TEST_SEED ?? '1,2,3').split(',').map(Number);

const servers = await Servers.start();
after(() => servers[Symbol.asyncDispose]());

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email varchar(80), name text, born date, photo bytea, note text, seen timestamptz);
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  CREATE TABLE membership (club text, number integer, paid numeric(12,2), remarks text, PRIMARY KEY (club, number));
  ALTER TABLE membership ALTER remarks SET STORAGE EXTERNAL;
  ALTER TABLE membership REPLICA IDENTITY FULL;
  CREATE TABLE visit (at uuid PRIMARY KEY, data jsonb, weight double precision, ok boolean, secret text);
  CREATE TABLE account (iban text PRIMARY KEY, owner text, amount numeric);
  CREATE TABLE part (region text, id integer, what text, PRIMARY KEY (region, id)) PARTITION BY HASH (id);
  CREATE TABLE part_even PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE part_odd (what text, id integer NOT NULL, region text NOT NULL);
  ALTER TABLE part ATTACH PARTITION part_odd FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  CREATE TABLE log (id serial PRIMARY KEY, line text);
  INSERT INTO person SELECT i, 'person' || i || '@shop.test', 'Person ' || i FROM generate_series(1, 2000) i;
  INSERT INTO membership SELECT 'club ' || i % 7, i, i / 3.0, repeat(md5(i::text), 200) FROM generate_series(1, 500) i;
  INSERT INTO account SELECT 'DE' || i, 'owner ' || i % 50, i FROM generate_series(1, 300) i;
  INSERT INTO part SELECT 'region ' || i % 3, i, 'thing ' || i FROM generate_series(1, 300) i;
`;

const tables: Tables = {
  'public.person': {
    columns: {
      id: 'keep',
      email: { fake: { kind: 'email', unique: true } },
      name: { fake: 'name' },
      born: 'keep',
      photo: 'null',
      note: 'hash',
      seen: 'keep',
    },
  },
  'public.membership': {
    columns: { club: { hash: { class: 'club' } }, number: 'keep', paid: { round: 0 }, remarks: 'keep' },
  },
  'public.visit': { columns: { at: 'keep', data: 'keep', weight: 'keep', ok: 'keep', secret: 'drop' } },
  'public.account': { columns: { iban: 'hash', owner: { mask: { first: 1 } }, amount: 'keep' } },
  'public.part': { columns: { region: 'keep', id: 'keep', what: { fake: 'city' } } },
  'public.log': { columns: { id: 'keep', line: { truncate: 12 } } },
};

describe('a random run', () => {
  for (const seed of seeds) {
    test(`of seed ${seed}, killed again and again from the copy on, ends with an equal twin`, async (t) => {
      t.diagnostic(`PGVEIL_TEST_SEED=${seed}`);
      const random = new Random(seed);
      await using trial = await servers.trial(SETUP, tables, { memory: random.pick(['16MB', '64MB', '256MB']) });
      const open = (truncate: number) =>
        RandomChanges.open(trial.source, trial.sourceUrl, random, Object.keys(tables), { truncate });
      const truncate = random.pick([0, 0.05]);
      // A TRUNCATE that meets the first copy halts its table (decision 7).
      let changes = await open(0);
      let isCopied = false;

      // Killed after so many rows of a round, in which it may be starting, copying, streaming or idle.
      const rounds = random.int(3, 6);
      for (let round = 0; round < rounds; round++) {
        const pgveil = await trial.run();
        if (random.chance(0.7)) {
          await pgveil.isReady();
          if (!isCopied) changes = await open(truncate);
          isCopied = true;
        }
        await changes.transactions(random.int(1, 1_500));
        pgveil.process.kill(random.pick(['SIGKILL', 'SIGTERM']));
        await changes.transactions(random.int(1, 500));
        await pgveil.kill();
      }
      await trial.catchUp();
      await trial.assertEqual();
    });
  }
});
