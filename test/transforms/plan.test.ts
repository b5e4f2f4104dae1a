import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Decision } from '../../config/rules.ts';
import { bind } from '../../transforms/binding.ts';
import { fake } from '../../transforms/fake.ts';
import { hash as hashRule } from '../../transforms/hash.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { compile } from '../../transforms/plan.ts';
import {
  configOf,
  drop,
  faked,
  hashed,
  KEY,
  keep,
  masked,
  nulled,
  OTHER_KEY,
  type TableSketch,
  tableOf,
} from './fixture.ts';

const COLUMNS = { id: 'integer', name: 'text', mail: 'text', note: 'text', misc: 'text' };

function planOf(decisions: Readonly<Record<string, Decision>>, sketch: Partial<TableSketch> = {}, key = KEY) {
  const table = tableOf({ columns: COLUMNS, ...sketch });
  return compile(table, bind(table, configOf({ 'public.t': decisions }).tables, new Map()), deriveKeys(key));
}

const decided = { id: keep, name: drop, mail: hashed(), note: nulled };

describe('the redacted table', () => {
  test('has no dropped column, and says which are withheld', () => {
    const { columns, name, oid } = planOf(decided).table;
    assert.deepEqual(
      columns.map((column) => [column.name, column.attnum, column.withheld]),
      [
        ['id', 1, false],
        ['mail', 3, false],
        ['note', 4, false],
        ['misc', 5, true],
      ],
    );
    assert.deepEqual([name, oid], ['public.t', 16400]);
  });

  test('counts the key and the indexes among the columns that leave', () => {
    const indexes = [
      { name: 'by_mail', method: 'btree', columns: [4, 2] },
      { name: 'by_name', method: 'btree', columns: [0, 1] },
    ];
    const { table } = planOf(decided, { key: ['mail', 'id'], indexes });
    assert.deepEqual(table.key, [1, 0]);
    assert.deepEqual(table.indexes, [{ name: 'by_mail', method: 'btree', columns: [3, 1] }]);
  });

  test('is wanted from the copy but for what nobody looks at', () => {
    assert.deepEqual(planOf(decided).wanted, [true, false, true, false, false]);
  });
});

describe('the hash of the plan', () => {
  const hash = (decisions: Readonly<Record<string, Decision>>, sketch?: Partial<TableSketch>, key = KEY) =>
    planOf(decisions, sketch, key).table.plan;
  const before = hash(decided);

  test('is the same for the same decisions, in whichever order they stand', () => {
    assert.match(before, /^[0-9a-f]{64}$/);
    assert.equal(hash({ note: nulled, mail: hashed(), name: drop, id: keep }), before);
    const options = { nulls: true, class: 'hash', length: 32 };
    assert.equal(hash({ ...decided, mail: { kind: 'rule', name: 'hash', options } }), before);
  });

  test('is the same under other names of columns and beside other undecided ones', () => {
    const renamed = { id: 'integer', name: 'text', post: 'text', note: 'text', misc: 'text', more: 'text' };
    const { mail, ...others } = decided;
    assert.equal(hash({ ...others, post: mail }, { columns: renamed }), before);
  });

  const changes: [what: string, hash: () => string][] = [
    ['another rule', () => hash({ ...decided, mail: masked() })],
    ['another option', () => hash({ ...decided, mail: hashed(40) })],
    ['another kind of decision', () => hash({ ...decided, note: keep })],
    ['a decision where there was none', () => hash({ ...decided, misc: nulled })],
    ['no decision where there was one', () => hash({ id: keep, name: drop, mail: hashed() })],
    ['another redaction key', () => hash(decided, {}, OTHER_KEY)],
  ];
  for (const [what, changed] of changes) {
    test(`changes with ${what}`, () => assert.notEqual(changed(), before));
  }

  test('changes with the attnum that a decision is at', () => {
    const columns = { ...COLUMNS, mail: ['text', 9] as const };
    assert.notEqual(hash(decided, { columns }), before);
  });

  test('is another for a rule on char(n) than for the same rule on text, and no other for what is kept there', () => {
    const columns = { ...COLUMNS, mail: 'char(40)' };
    assert.notEqual(hash(decided, { columns }), before);
    assert.equal(hash({ ...decided, mail: keep }, { columns }), hash({ ...decided, mail: keep }));
  });

  test('is what an older pgveil made it where no rule stands on char(n), so that nothing else is copied anew', () => {
    const options = [
      ['class', 'hash'],
      ['length', 32],
      ['nulls', true],
    ];
    const actions = [
      [1, 'keep'],
      [2, 'drop'],
      [3, 'hash', hashRule.version, null, options],
      [4, 'null'],
    ];
    const written = JSON.stringify([deriveKeys(KEY).fingerprint, actions]);
    assert.equal(before, createHash('sha256').update(written).digest('hex'));
  });

  test('changes with a word of the dictionary that a fake draws from, and with the version of a rule', (context) => {
    const fakes = { ...decided, mail: faked('city') };
    const [cities, hashes] = [hash(fakes), hash(decided)];
    context.mock.method(fake as Required<typeof fake>, 'dictionary', () => 'another word');
    assert.notEqual(hash(fakes), cities);
    assert.equal(hash(decided), hashes);
    context.mock.property(hashRule, 'version', 2);
    assert.notEqual(hash(decided), hashes);
  });
});
