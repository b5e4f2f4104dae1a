// A small shop for tests of a twin and a lake that one pipeline feeds: a TOAST column, a key of two columns, types of every kind.
import type { Tables } from '../judge/decisions.ts';
import { RandomChanges } from '../random/changes.ts';
import { Random } from '../random/prng.ts';
import type { Trial } from '../trial/trial.ts';

export const SETUP = `
  CREATE TABLE person (id bigint PRIMARY KEY, email text, note text, seen timestamptz, paid numeric(12,2), photo bytea);
  ALTER TABLE person ALTER note SET STORAGE EXTERNAL;
  CREATE TABLE visit (place text, number integer, weight double precision, at date, PRIMARY KEY (place, number));
  INSERT INTO person SELECT i, 'person' || i || '@shop.test', repeat(md5(i::text), 100), now(), i / 7.0, decode(md5(i::text), 'hex')
    FROM generate_series(1, 1000) i;
  INSERT INTO visit SELECT 'place ' || i % 9, i, i / 7.0, current_date - i FROM generate_series(1, 1000) i;
`;

export const tables: Tables = {
  'public.person': {
    columns: { id: 'keep', email: { fake: 'email' }, note: 'keep', seen: 'keep', paid: 'keep', photo: 'keep' },
  },
  'public.visit': { columns: { place: { hash: { class: 'place' } }, number: 'keep', weight: 'keep', at: 'keep' } },
};

export async function changesOf(trial: Trial, seed: number): Promise<RandomChanges> {
  return await RandomChanges.open(trial.source, trial.sourceUrl, new Random(seed), Object.keys(tables));
}
