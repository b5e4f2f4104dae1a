import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unmatchedTypes } from '../../../../sinks/postgres/check/unmatched-types.ts';
import { sketchTable } from '../../../support/batches.ts';

const mood = { name: 'public.mood', kind: 'e', builtIn: false } as const;
const person = sketchTable({
  relation: 'person',
  columns: {
    id: 'bigint',
    name: 'character varying(40)',
    mood,
    moods: { ...mood, name: 'public."Mood"[]', kind: 'b' },
  },
  key: ['id'],
});
const CONFIGURED = { relation: 'person', schema: 'public' };

function found(types: Record<string, string>, missing = false) {
  const tables = new Map([['public.person', CONFIGURED]]);
  if (missing) tables.set('public.audit', { relation: 'audit', schema: 'public' });
  return unmatchedTypes({ name: 'twin', types: new Map(Object.entries(types)), tables }, [person]);
}

test('a type that columns have is no finding, with its modifier or without', () => {
  const types = {
    bigint: 'numeric',
    'character varying': 'text',
    'character varying(40)': 'text',
    'public.mood': 'text',
  };
  assert.deepEqual(found({ ...types, 'public."Mood"[]': 'text[]' }), []);
});

test('one that lacks its schema, its brackets or its quotes is told how Postgres writes it', () => {
  for (const [name, written] of [
    ['mood', '`public.mood`'],
    ['app.MOOD', '`public.mood`'],
    ['public.Mood[]', '`public."Mood"[]`'],
    ['character varying(20)', '`character varying`'],
  ] as const) {
    const [finding, ...others] = found({ [name]: 'text' });
    assert.deepEqual(others, []);
    assert.deepEqual([finding?.code, finding?.object], ['type_unmatched', 'sinks.twin.types']);
    assert.ok(finding?.fix.startsWith(`Write `) && finding.fix.includes(written), `${name}: ${finding?.fix}`);
  }
});

test('one that is like none is told which there are', () => {
  const [finding] = found({ varchar: 'text' });
  assert.equal(finding?.message, 'no column in the twin has the type varchar on the source: the rule does nothing');
  assert.equal(
    finding.fix,
    'Write the type as Postgres does, or remove it. Types there: bigint, character varying, public."Mood"[], public.mood.',
  );
});

test('while a table is not there to be looked at, only what is like another type is a finding', () => {
  assert.deepEqual(found({ 'public.colour': 'text' }, true), []);
  assert.equal(found({ mood: 'text' }, true).length, 1);
});
