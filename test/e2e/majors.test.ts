import { after, before, describe, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { allMajors, chosenMajors, type Major, newestMajor } from '../support/postgres/majors.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';
import { typesChanges, typesSetup, typesTables } from '../support/trial/types-trial.ts';

// What depends on the server's version: the protocol, the catalogs, the text of types. Everything else runs on the newest alone.

const same = chosenMajors({ core: true }).map((major): [Major, Major] => [major, major]);
const mixed: [Major, Major][] = process.env.PGVEIL_TEST_MAJORS
  ? []
  : [
      [allMajors[0], newestMajor],
      [newestMajor, allMajors[0]],
    ];

const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text, gone integer, born date);
  ALTER TABLE person DROP gone;
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  INSERT INTO person SELECT i, 'p' || i, repeat(md5(i::text), 200) FROM generate_series(1, 1000) i;
  CREATE TABLE by_full (a text, b integer, note text, PRIMARY KEY (a, b));
  ALTER TABLE by_full REPLICA IDENTITY FULL;
  CREATE TABLE part (id integer, year integer, v text, PRIMARY KEY (year, id)) PARTITION BY RANGE (year);
  CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (MINVALUE) TO (100000);
  CREATE TABLE part_high (v text, year integer NOT NULL, id integer NOT NULL);
  ALTER TABLE part ATTACH PARTITION part_high FOR VALUES FROM (100000) TO (MAXVALUE);
  INSERT INTO part SELECT i, i * 1000, 'v' || i FROM generate_series(1, 200) i`;

const tables: Tables = {
  'public.person': { columns: { id: 'keep', email: { fake: 'email' }, note: 'hash', born: 'keep' } },
  'public.by_full': { columns: { a: 'hash', b: 'keep', note: 'keep' } },
  'public.part': { columns: { id: 'keep', year: 'keep', v: { mask: { first: 1 } } } },
};

for (const [source, twin] of [...same, ...mixed]) {
  describe(`a source of Postgres ${source} and a twin of ${twin}`, () => {
    let servers: Servers;
    before(async () => {
      servers = await Servers.start({ source, twin });
    });
    after(() => servers[Symbol.asyncDispose]());

    test('copy, stream, large values, partitions, truncates and kill -9 leave an equal twin', async () => {
      await using trial = await servers.trial(SETUP, tables);
      const random = new Random(source * 100 + twin);
      const open = (truncate: number) =>
        RandomChanges.open(trial.source, trial.sourceUrl, random, Object.keys(tables), { truncate });
      // The first kill leaves a copy to be done again, and a TRUNCATE that meets a copy halts its table (decision 7).
      const calm = await open(0);
      for (const fault of ['chunk committed', 'before the commit', 'after the commit:3', 'before the ack']) {
        const service = await trial.run({ fault });
        while (service.isRunning) await calm.transaction(random.size(1, 100));
        await service.dies();
      }
      const service = await trial.stream();
      const changes = await open(0.02);
      await changes.transactions(1_000);
      await trial.holdsAll(service);
      await service.stop();
      await trial.assertEqual();
    });

    test('all column types arrive as the same text', async () => {
      await using trial = await servers.trial(typesSetup(), typesTables());
      const service = await trial.stream();
      for (const change of typesChanges()) await trial.source.query(change);
      await trial.holdsAll(service);
      await trial.assertEqual();
    });
  });
}
