import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Tables } from '../support/judge/decisions.ts';
import { projectRoot } from '../support/project.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { Servers } from '../support/trial/servers.ts';

const CHANGES = 20_000;
const KILLS = 10;

const file = join(projectRoot, '../shared/data/chinook.sql');
const script = await readFile(file, 'utf8').catch(() => null);
const skip = script === null && 'chinook.sql is not there: ../shared/data/chinook.sql beside the checkout';

const servers = skip ? null : await Servers.start();
after(() => servers?.[Symbol.asyncDispose]());

const tables: Tables = {
  'public.artist': { columns: { artist_id: 'keep', name: { fake: 'name' } } },
  'public.album': { columns: { album_id: 'keep', title: 'keep', artist_id: 'keep' } },
  'public.customer': {
    columns: {
      customer_id: 'keep',
      first_name: { fake: 'firstName' },
      last_name: { fake: 'lastName' },
      company: { fake: 'company' },
      address: { fake: 'street' },
      city: { fake: 'city' },
      state: 'drop',
      country: 'keep',
      postal_code: { mask: { first: 2 } },
      phone: { mask: { last: 2 } },
      fax: 'null',
      email: { fake: { kind: 'email', unique: true } },
      support_rep_id: 'keep',
    },
  },
  'public.employee': {
    columns: {
      employee_id: 'keep',
      last_name: { fake: 'lastName' },
      first_name: { fake: 'firstName' },
      title: { constant: 'employee' },
      reports_to: 'keep',
      birth_date: 'null',
      hire_date: 'keep',
      address: { hash: { class: 'address' } },
      city: 'mask',
      state: 'keep',
      country: 'keep',
      postal_code: { truncate: 3 },
      phone: { fake: 'phone' },
      fax: { fake: 'phone' },
      email: { fake: 'email' },
    },
  },
  'public.genre': { columns: { genre_id: 'keep', name: 'keep' } },
  'public.invoice': {
    columns: {
      invoice_id: 'keep',
      customer_id: 'keep',
      invoice_date: 'keep',
      billing_address: { hash: { class: 'address' } },
      billing_city: 'hash',
      billing_state: 'drop',
      billing_country: 'keep',
      billing_postal_code: { constant: '00000' },
      total: { round: 0 },
    },
  },
  'public.invoice_line': {
    columns: {
      invoice_line_id: 'keep',
      invoice_id: 'keep',
      track_id: 'keep',
      unit_price: { round: 1 },
      quantity: 'keep',
    },
  },
  'public.media_type': { columns: { media_type_id: 'keep', name: 'keep' } },
  'public.playlist': { columns: { playlist_id: 'keep', name: { mask: { first: 1, last: 1, with: '#' } } } },
  'public.playlist_track': { columns: { playlist_id: 'keep', track_id: 'keep' } },
  'public.track': {
    columns: {
      track_id: 'keep',
      name: { truncate: 20 },
      album_id: 'keep',
      media_type_id: 'keep',
      genre_id: 'keep',
      composer: 'hash',
      milliseconds: { round: -3 },
      // bytes: nobody decided on it, so that it is there and NULL
      unit_price: 'keep',
    },
  },
};

test('Chinook, 20,000 random changes and ten kill -9 later: the twin is redact(source), row by row', {
  skip,
}, async (t) => {
  const random = new Random(20_261_121);
  t.diagnostic(`seed ${random.seed}`);
  await using trial = await servers!.trial(withoutPsql(script!), tables);
  const changes = await RandomChanges.open(trial.source, trial.sourceUrl, random, Object.keys(tables));

  let pgveil = await trial.stream();
  for (let kill = 0; kill < KILLS; kill++) {
    // Every other time it is killed while it starts, or works through what was written meanwhile.
    if (kill % 2 === 0) await trial.holdsAll(pgveil);
    const before = random.int(1, CHANGES / KILLS - 1);
    await changes.transactions(before);
    pgveil.process.kill('SIGKILL');
    await changes.transactions(CHANGES / KILLS - before);
    await pgveil.kill();
    pgveil = await trial.run();
  }
  await pgveil.kill();

  await trial.catchUp();
  await trial.assertEqual();
});

/** The script makes a database of its own and connects to it, which only psql can: what is left runs in ours. */
function withoutPsql(text: string): string {
  return text.replace(/^(\\c|DROP DATABASE|CREATE DATABASE) .*$/gm, '');
}
