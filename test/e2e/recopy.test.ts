import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { canary } from '../support/canary.ts';
import type { Tables } from '../support/decisions.ts';
import { Servers } from '../support/servers.ts';
import type { Service } from '../support/service.ts';
import type { Trial } from '../support/trial.ts';

const servers = await Servers.start({ twinSettings: { wal_keep_size: '2GB' } });
after(() => servers[Symbol.asyncDispose]());

/** Must not leave, under whatever name it stands. */
const ssn = canary('a social security number');

const SETUP = `
  CREATE TABLE person (id integer PRIMARY KEY, ssn text, note text);
  INSERT INTO person SELECT i, '${ssn.value} ' || i, 'note ' || i FROM generate_series(1, 2000) i;
  CREATE TABLE other (id integer PRIMARY KEY, v text);
  INSERT INTO other SELECT i, 'v' || i FROM generate_series(1, 100) i`;

const person = { columns: { id: 'keep', ssn: 'hash', note: 'keep' } } as const;
const other = { columns: { id: 'keep', v: 'keep' } } as const;
const tables: Tables = { 'public.person': person, 'public.other': other };

/** Changes to both tables for as long as it is wanted; a change that the DDL of the moment does not allow is left out. */
async function write(trial: Trial, until: AbortSignal): Promise<void> {
  const client = await servers.source.connect(trial.name);
  for (let at = 1; !until.aborted; at++) {
    const id = 1 + ((at * 7) % 2000);
    const person = [
      `INSERT INTO person (id, ssn) VALUES (${10_000 + at}, '${ssn.value}')`,
      `UPDATE person SET ssn = '${ssn.value} ${at}' WHERE id = ${id}`,
      `DELETE FROM person WHERE id = ${id + 3}`,
    ][at % 3]!;
    await client.query(person).catch(() => {});
    await client.query(`UPDATE other SET v = 'at ${at}' WHERE id = ${1 + (at % 100)}`);
  }
  await client.end();
}

async function underLoad(trial: Trial, work: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const writing = write(trial, stop.signal);
  try {
    await work();
  } finally {
    stop.abort();
    await writing;
  }
}

/** Resolves when the table streams in a later generation than `before`. */
async function isRecopied(service: Service, before: number, table = 'public.person'): Promise<void> {
  await service.reaches(`${table} copied anew`, ({ tables }) => {
    const { state, generation } = tables[table]!;
    return state === 'streaming' && generation > before;
  });
}

const generationOf = async (service: Service, table = 'public.person') =>
  (await service.status()).tables[table]!.generation;

describe('a table whose definition changes is copied anew while another one streams', () => {
  const CHANGES: Record<string, { readonly ddl: string; readonly tables?: Tables }> = {
    'a column added': { ddl: `ALTER TABLE person ADD more text DEFAULT 'more'` },
    'a column dropped': { ddl: 'ALTER TABLE person DROP note' },
    'a column retyped': { ddl: 'ALTER TABLE person ALTER note TYPE varchar(100)' },
    'values rewritten in place': { ddl: `ALTER TABLE person ALTER note TYPE text USING 'rewritten ' || note` },
    'a column dropped and added again': { ddl: 'ALTER TABLE person DROP note; ALTER TABLE person ADD note text' },
    'another primary key': {
      ddl: `UPDATE person SET note = '' WHERE note IS NULL; ALTER TABLE person ALTER note SET NOT NULL, ALTER note SET DEFAULT '';
        ALTER TABLE person DROP CONSTRAINT person_pkey; ALTER TABLE person ADD PRIMARY KEY (id, note)`,
    },
    'the table made anew': {
      ddl: `DROP TABLE person; CREATE TABLE person (id integer PRIMARY KEY, note text, ssn text);
        INSERT INTO person SELECT i, 'new', '${ssn.value}' FROM generate_series(1, 500) i`,
    },
  };

  for (const [what, { ddl }] of Object.entries(CHANGES)) {
    test(what, async () => {
      await using trial = await servers.trial(SETUP, tables);
      const service = await trial.stream();
      const before = await generationOf(service);
      await underLoad(trial, async () => {
        await trial.source.query(`BEGIN; ${ddl}; COMMIT`);
        await isRecopied(service, before);
      });
      await trial.holdsAll(service);
      await trial.assertEqual();
      assert.equal(await generationOf(service, 'public.other'), 1);
      await trial.assertSilent([ssn], service);
    });
  }
});

test('after all of this no file and no log of the twin holds a number', async () => {
  await servers.assertNoLeak([ssn]);
});
