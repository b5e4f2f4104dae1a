import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RedactedBatch, TableEvent } from '../../src/core/batch.ts';
import { NOTHING_ORDERED, type TableEntry, type TableState } from '../../src/core/checkpoint.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { NO_OTHER_NAMES } from '../../src/core/redactor.ts';
import { shapeOf, type Table } from '../../src/core/table.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { RowRedactor } from '../../transforms/redactor.ts';
import { compileRule } from '../../transforms/rule.ts';
import {
  batchOf,
  cellsOf,
  changeOf,
  configOf,
  constantly,
  copied,
  type Decisions,
  drop,
  faked,
  KEY,
  keep,
  masked,
  nulled,
  Observed,
  OTHER_KEY,
  POSITION,
  rounded,
  tableOf,
  tupleOf,
  UNCHANGED,
} from './fixture.ts';

const customer = tableOf({ relation: 'customer', columns: { id: 'integer', name: 'text', note: 'text' } });
const shop = tableOf({ oid: 16500, relation: 'shop', columns: { id: 'integer', city: 'text' } });
const decided = {
  'public.customer': { id: keep, name: masked(1), note: drop },
  'public.shop': { id: keep, city: keep },
} as const;

const NONE = new Map<string, never>();

function redactorOf(config: Decisions = configOf(decided)) {
  const observed = new Observed();
  return { redactor: new RowRedactor(config, observed.observe), observed };
}

/** A redactor whose tables were copied in this life, and the entries that this led to. */
function afterCopy(tables: readonly Table<'raw'>[], config?: Decisions) {
  const { redactor, observed } = redactorOf(config);
  redactor.open(NONE);
  const { entries } = redactor.redact(batchOf({ events: tables.flatMap((table) => copied(table)) }));
  return { redactor, observed, entries };
}

/** A redactor that was opened with what the one before made durable. */
function resumed(
  entries: ReadonlyMap<string, TableEntry>,
  config?: Decisions,
  halts: ReadonlyMap<string, string> = NONE,
) {
  const { redactor, observed } = redactorOf(config);
  redactor.open(entries, { halts });
  return { redactor, observed };
}

function defined(table: Table<'raw'>, generation = 1): TableEvent<'raw'> {
  return { type: 'defined', table, generation };
}

function rowsOf({ changes }: RedactedBatch) {
  return changes.map(({ table, after }) => [table.name, ...cellsOf(after)]);
}

const insert = (table: Table<'raw'>, ...cells: readonly (string | null)[]) => {
  return changeOf('insert', table, { after: tupleOf(...cells) });
};

function throwsCode(act: () => unknown, code: string): void {
  assert.throws(act, (error) => error instanceof PgveilError && error.code === code);
}

const withState = (entry: TableEntry, state: TableState) => ({ ...entry, state });

describe('rows', () => {
  test('go through the plan of their table, before-images and old keys as well', () => {
    const { redactor } = afterCopy([customer, shop]);
    const full = { before: tupleOf('1', 'Ada', 'n'), after: tupleOf('1', 'Bob', UNCHANGED), beforeIs: 'row' } as const;
    const { changes } = redactor.redact(
      batchOf({
        changes: [
          insert(customer, '1', 'Ada', 'n'),
          changeOf('update', customer, full),
          changeOf('update', customer, { before: tupleOf('1', null, null), after: tupleOf('2', 'Eve', 'n') }),
          changeOf('delete', customer, { before: tupleOf('2', null, null) }),
          changeOf('truncate', customer),
        ],
        position: POSITION,
      }),
    );
    const cells = changes.map(({ op, before, after }) => [op, before && cellsOf(before), after && cellsOf(after)]);
    assert.deepEqual(cells, [
      ['insert', null, ['1', 'A**']],
      ['update', ['1', 'A**'], ['1', 'B**']],
      ['update', ['1', null], ['2', 'E**']],
      ['delete', ['2', null], null],
      ['truncate', null, null],
    ]);
  });

  test('of an old key keep their NULLs where a rule would fill them, and a whole row’s do not', () => {
    const config = configOf({ 'public.shop': { id: keep, city: constantly('Paris', false) } });
    const { redactor } = afterCopy([shop], config);
    const before = tupleOf('1', null);
    const { changes } = redactor.redact(
      batchOf({
        changes: [
          changeOf('delete', shop, { before, beforeIs: 'key' }),
          changeOf('delete', shop, { before, beforeIs: 'row' }),
        ],
      }),
    );
    assert.deepEqual(
      changes.map(({ before }) => cellsOf(before)),
      [
        ['1', null],
        ['1', 'Paris'],
      ],
    );
  });

  test('of a table that is kept whole pass as the bytes they are', () => {
    const { redactor } = afterCopy([customer, shop]);
    const change = insert(shop, '1', 'Paris');
    const { changes } = redactor.redact(batchOf({ changes: [change] }));
    assert.equal(changes[0]!.after, change.after);
  });

  test('of one batch are never written again by the next', () => {
    const { redactor } = afterCopy([customer, shop]);
    const batches = ['Ada', 'Bob'].map((name) =>
      redactor.redact(batchOf({ changes: [insert(customer, '1', name, null)] })),
    );
    assert.deepEqual(batches.map(rowsOf), [[['public.customer', '1', 'A**']], [['public.customer', '1', 'B**']]]);
  });

  test('leave their order, transaction, ordinal, position and progress as they were', () => {
    const { redactor } = afterCopy([customer, shop]);
    const change = { ...insert(customer, '1', 'Ada', null), seq: 42 };
    const batch = batchOf({ changes: [change], position: POSITION, progress: { clsn: 7n, seq: 42 } });
    const redacted = redactor.redact(batch);
    assert.deepEqual([redacted.position, redacted.progress], [batch.position, batch.progress]);
    assert.deepEqual([redacted.changes[0]!.seq, redacted.changes[0]!.transaction], [42, change.transaction]);
    assert.equal(redacted.changes[0]!.table.columns.length, 2);
  });

  test('come after their definition, or it is a mistake of ours that must not pass', () => {
    const { entries } = afterCopy([customer, shop]);
    assert.throws(
      () => resumed(entries).redactor.redact(batchOf({ changes: [insert(shop, '1', 'x')] })),
      /before their definition/,
    );
    const { redactor } = afterCopy([customer, shop]);
    assert.throws(
      () => redactor.redact(batchOf({ changes: [insert({ ...shop }, '1', 'x')] })),
      /before their definition/,
    );
  });

  test('count in memory for what is left of them', () => {
    const { redactor } = afterCopy([customer, shop]);
    const long = insert(customer, '1', 'Ada', 'n'.repeat(5000));
    assert.ok(redactor.redact(batchOf({ changes: [long], bytes: 6000 })).bytes < 1200);
    assert.ok(redactor.redact(batchOf({ changes: [long, insert(shop, '1', 'x')], bytes: 6000 })).bytes > 6000);
  });
});

describe('the memory of large raw rows', () => {
  const note = 'n'.repeat(8 * 1024 * 1024);
  const large = () => insert(customer, '1', 'Ada', note);

  test('is given back once they are redacted', () => {
    const { redactor } = afterCopy([customer, shop]);
    const change = large();
    const redacted = redactor.redact(batchOf({ changes: [change], bytes: note.length }));
    assert.equal(change.after!.bytes.length, 0);
    assert.deepEqual(rowsOf(redacted), [['public.customer', '1', 'A**']]);
  });

  test('stays where a row passes as it is', () => {
    const { redactor } = afterCopy([customer, shop]);
    const kept = insert(shop, '1', note);
    const redacted = redactor.redact(batchOf({ changes: [large(), kept], bytes: note.length * 2 }));
    assert.deepEqual(rowsOf(redacted)[1], ['public.shop', '1', note]);
  });
});

describe('cells that a rule cannot rewrite', () => {
  const price = tableOf({
    relation: 'price',
    columns: { id: 'public.price', net: 'public.price', tax: 'public.price' },
  });

  test('are NULL, and counted once for each batch', () => {
    const config = configOf({ 'public.price': { id: keep, net: rounded(0), tax: rounded(0) } });
    const { redactor, observed } = afterCopy([price], config);
    const changes = [insert(price, '1', '$1', '2'), insert(price, '2', '$2', '$3')];
    assert.deepEqual(rowsOf(redactor.redact(batchOf({ changes }))), [
      ['public.price', '1', null, '2'],
      ['public.price', '2', null, null],
    ]);
    assert.deepEqual(observed.of('withheld'), [
      { type: 'withheld', table: 'public.price', column: 'net', cells: 2 },
      { type: 'withheld', table: 'public.price', column: 'tax', cells: 1 },
    ]);
    redactor.redact(batchOf({ changes: [insert(price, '3', '3', '3')] }));
    assert.equal(observed.of('withheld').length, 2);
  });

  describe('of a key halt the table', () => {
    // One pseudonym in a hundred is too long for the column: too few for the rule to be refused.
    const keyed = tableOf({ relation: 'keyed', columns: { mail: 'varchar(47)', note: 'text' } });
    const unique = faked('email', { unique: true });
    const config = configOf({ 'public.keyed': { mail: unique, note: keep }, 'public.shop': { id: keep, city: keep } });
    const rewrite = compileRule(keyed.columns[0]!, unique, deriveKeys(KEY));
    const values = Array.from({ length: 1000 }, (_, index) => `v${index}`);
    const [tooLong] = values.filter((value) => rewrite(value) === null);
    const [fitting] = values.filter((value) => rewrite(value) !== null);
    const position = POSITION;
    const halted = { state: 'halted', code: 'rule_failed' };

    test('from that change on, whatever else is in the batch', () => {
      const { redactor, observed } = afterCopy([keyed, shop], config);
      const changes = [
        insert(keyed, fitting!, 'before'),
        insert(keyed, tooLong!, 'this'),
        insert(keyed, fitting!, 'behind'),
        insert(shop, '1', 'Paris'),
      ];
      const redacted = redactor.redact(batchOf({ changes, position }));
      assert.deepEqual(rowsOf(redacted), [
        ['public.keyed', rewrite(fitting!), 'before'],
        ['public.shop', '1', 'Paris'],
      ]);
      assert.deepEqual(redacted.entries.get('public.keyed')?.state, halted);
      assert.deepEqual(observed.of('table').at(-1)?.code, 'rule_failed');
    });

    test('which the next batch says in an event, with the entry once more', () => {
      const { redactor } = afterCopy([keyed, shop], config);
      redactor.redact(batchOf({ changes: [insert(keyed, tooLong!, 'x')] }));
      const next = redactor.redact(batchOf({ changes: [insert(keyed, fitting!, 'y')], position }));
      assert.deepEqual(next.events, [{ type: 'stopped', name: 'public.keyed', oid: keyed.oid, state: halted }]);
      assert.deepEqual(next.entries.get('public.keyed')?.state, halted);
      assert.deepEqual(next.changes, []);
      assert.equal(redactor.redact(batchOf({ position })).entries.size, 0);
    });

    test('in a before-image as well', () => {
      const { redactor } = afterCopy([keyed, shop], config);
      const change = changeOf('update', keyed, { before: tupleOf(tooLong!, null), after: tupleOf(fitting!, 'x') });
      const { changes, entries } = redactor.redact(batchOf({ changes: [change] }));
      assert.deepEqual([changes, entries.get('public.keyed')?.state], [[], halted]);
    });

    test('in the midst of its copy, which then never finishes', () => {
      const { redactor } = redactorOf(config);
      redactor.open(NONE);
      const [begin, start, finish] = copied(keyed);
      redactor.redact(batchOf({ events: [begin!, start!, ...copied(shop)] }));
      const read = (key: string) => changeOf('read', keyed, { after: tupleOf(key, 'x') });
      const cut = { changes: [read(fitting!), read(tooLong!)], chunk: { table: keyed, number: 1 } };
      const { chunk, changes } = redactor.redact(batchOf(cut));
      assert.deepEqual([chunk, changes], [null, []]);
      const later = redactor.redact(batchOf({ events: [{ type: 'chunk finished', table: keyed, chunk: 1 }, finish!] }));
      assert.deepEqual(
        later.events.map(({ type }) => type),
        ['stopped'],
      );
      assert.deepEqual(later.entries.get('public.keyed')?.state, halted);
      assert.equal(redactor.redact(batchOf({ chunk: { table: keyed, number: 2 } })).chunk, null);
    });
  });
});

describe('while a sink has not said what it bound names to', () => {
  const shut = { names: { areKnown: false, newest: NONE } };

  test('no table is taken in by name: it halts, and nothing of it is read', () => {
    const { redactor, observed } = redactorOf();
    redactor.open(NONE, shut);
    assert.equal(redactor.fits(customer), false);
    assert.equal(redactor.wanted(customer), null);
    const { events } = redactor.redact(batchOf({ events: copied(customer) }));
    assert.deepEqual(
      events.map(({ type }) => type),
      ['stopped'],
    );
    assert.equal(observed.of('table')[0]!.state, 'halted');
    redactor.open(NONE);
    assert.equal(redactor.fits(customer), true);
  });

  test('what is known by its oid goes on, and one made anew under its name does not', () => {
    const { entries } = afterCopy([customer]);
    const { redactor } = redactorOf();
    redactor.open(entries, shut);
    assert.equal(redactor.fits(customer), true);
    assert.equal(redactor.fits({ ...customer, oid: customer.oid + 1000 }), false);
  });

  test('a column that came under a decided name halts its table, and one that nobody decided does not', () => {
    const { entries } = afterCopy([customer]);
    const config = configOf({ ...decided, 'public.customer': { ...decided['public.customer'], more: keep } });
    const added = (name: string) => {
      return { ...customer, columns: [...customer.columns, { ...customer.columns[0]!, name, attnum: 99 }] };
    };
    const { redactor } = redactorOf(config);
    redactor.open(entries, shut);
    assert.equal(redactor.fits(added('more')), false);
    assert.equal(redactor.fits(added('other')), true);
    redactor.open(entries);
    assert.equal(redactor.fits(added('more')), true);
  });

  test('in another database its names mean nothing any more', () => {
    const { redactor } = redactorOf();
    redactor.open(NONE, shut);
    redactor.unbind(NO_OTHER_NAMES);
    assert.equal(redactor.fits(customer), true);
  });
});

describe('while others bind names beside it', () => {
  const swapped = tableOf({
    relation: 'customer',
    columns: { id: 'integer', note: ['text', 2], name: ['text', 3] },
  });
  const { entries: theirs } = afterCopy([customer]);
  const resumedCopy = (stored: ReadonlyMap<string, TableEntry>, table: Table<'raw'>) =>
    resumed(stored).redactor.redact(batchOf({ events: copied(table, 2) }));
  const beside = (newest: Map<string, TableEntry>) => ({ names: { areKnown: true, newest } });

  test('a table whose names moved since they bound it halts, with what they would have a person approve', () => {
    const newest = new Map<string, TableEntry>();
    const { redactor } = redactorOf();
    redactor.open(NONE, beside(newest));
    assert.equal(redactor.fits(swapped), true);
    newest.set(customer.name, theirs.get(customer.name)!);
    assert.equal(redactor.fits(swapped), false);
    assert.deepEqual(redactor.approval(swapped), resumed(theirs).redactor.approval(swapped));
    const { entries } = redactor.redact(batchOf({ events: copied(swapped) }));
    assert.deepEqual(entries.get(customer.name)?.state, { state: 'halted', code: 'names_moved' });
  });

  test('one that is as they bound it is bound the same, with all that it was before', () => {
    const formerly = [customer.oid + 1];
    const { redactor } = redactorOf();
    redactor.open(NONE, beside(new Map([[customer.name, { ...theirs.get(customer.name)!, formerly }]])));
    const entry = redactor.redact(batchOf({ events: copied(customer) })).entries.get(customer.name);
    assert.deepEqual(entry, { ...theirs.get(customer.name), formerly });
  });

  test('columns that they bound and that swapped their names since halt their table', () => {
    const config = configOf({
      ...decided,
      'public.customer': { ...decided['public.customer'], ssn: masked(1), memo: keep },
    });
    const columns = { id: 'integer', name: 'text', note: 'text' } as const;
    const then = tableOf({ relation: 'customer', columns: { ...columns, ssn: ['text', 4], memo: ['text', 5] } });
    const now = tableOf({ relation: 'customer', columns: { ...columns, memo: ['text', 4], ssn: ['text', 5] } });
    const { entries: own } = afterCopy([customer]);
    const { redactor: other } = resumed(own, config);
    const { entries } = other.redact(batchOf({ events: copied(then, 2) }));
    const { redactor } = redactorOf(config);
    redactor.open(own);
    assert.equal(redactor.fits(now), true);
    redactor.open(own, beside(new Map(entries)));
    assert.equal(redactor.fits(then), true);
    assert.equal(redactor.fits(now), false);
  });

  test('one that others have bound between its definition and its copy here is bound the same, or halts', () => {
    for (const [before, table, halts] of [
      [swapped, customer, false],
      [customer, swapped, true],
    ] as const) {
      const newest = new Map<string, TableEntry>();
      const { redactor } = redactorOf();
      redactor.open(NONE, beside(newest));
      const [defined, ...copy] = copied(table);
      redactor.redact(batchOf({ events: [defined!] }));
      newest.set(customer.name, afterCopy([halts ? before : table]).entries.get(customer.name)!);
      const { entries, events } = redactor.redact(batchOf({ events: copy }));
      assert.equal(entries.get(customer.name)?.state.state, halts ? 'halted' : 'streaming');
      assert.equal(events.length, halts ? 1 : copy.length);
    }
  });

  test('a copy of a snapshot from before they bound the table does not begin', () => {
    const wider = tableOf({
      relation: 'customer',
      columns: { id: 'integer', name: 'text', note: 'text', later: 'text' },
    });
    const newest = new Map<string, TableEntry>();
    const { redactor } = redactorOf();
    redactor.open(NONE, beside(newest));
    const [defined, ...copy] = copied(customer);
    redactor.redact(batchOf({ events: [defined!] }));
    newest.set(customer.name, afterCopy([wider]).entries.get(customer.name)!);
    const { entries } = redactor.redact(batchOf({ events: copy }));
    assert.deepEqual(entries.get(customer.name)?.state, { state: 'halted', code: 'stale' });
    redactor.redact(batchOf({ events: copied(wider, 2) }));
    assert.equal(redactor.isAsCopied(wider), true);
  });

  test('a column that nobody decided on and that took a name since halts its table, though the binding is what it was', () => {
    const columns = { id: 'integer', name: 'text', note: 'text' } as const;
    const wider = tableOf({ relation: 'customer', columns: { ...columns, secret: ['text', 4] } });
    const taken = tableOf({ relation: 'customer', columns: { id: 'integer', name: 'text', note: ['text', 4] } });
    const { entries } = resumedCopy(theirs, wider);
    const { redactor } = redactorOf();
    redactor.open(theirs, beside(new Map(entries)));
    assert.equal(redactor.fits(wider), true);
    assert.equal(redactor.fits(taken), false);
  });

  test('names that they were approved to have count, where those of here would be the same again', () => {
    const order = { ...NOTHING_ORDERED, copy: true, approved: resumed(theirs).redactor.approval(swapped)!.hash };
    const stored = new Map([[customer.name, { ...theirs.get(customer.name)!, order }]]);
    const { entries } = resumedCopy(stored, swapped);
    assert.equal(entries.get(customer.name)?.state.state, 'streaming');
    const { redactor } = redactorOf();
    redactor.open(theirs, beside(new Map(entries)));
    assert.equal(redactor.fits(swapped), true);
    assert.equal(redactor.fits(customer), false);
  });

  test('in another database what they bound there counts', () => {
    const { redactor } = redactorOf();
    redactor.open(theirs);
    const newest = new Map<string, TableEntry>();
    redactor.unbind({ areKnown: true, newest });
    assert.equal(redactor.fits(swapped), true);
    for (const [name, entry] of theirs) newest.set(name, { ...entry, binding: { ...entry.binding, number: 2 } });
    assert.equal(redactor.fits(customer), true);
    assert.equal(redactor.fits(swapped), false);
    redactor.open(theirs);
    redactor.unbind({ areKnown: true, newest: theirs });
    assert.equal(redactor.fits(swapped), false);
  });

  test('what was known of another database does not count', () => {
    const { redactor } = redactorOf();
    redactor.open(NONE, beside(new Map(theirs)));
    redactor.unbind(NO_OTHER_NAMES);
    assert.equal(redactor.fits(swapped), true);
  });
});

describe('a first copy', () => {
  const [begin, start, finish] = copied(customer, 3);

  test('makes the table absent with all that a later start must know, and streaming when it is finished', () => {
    const { redactor } = redactorOf();
    redactor.open(NONE);
    assert.equal(redactor.redact(batchOf({ events: [begin!] })).entries.size, 0);
    const entry = redactor.redact(batchOf({ events: [start!] })).entries.get('public.customer')!;
    assert.deepEqual(entry.state, { state: 'absent' });
    assert.deepEqual([entry.oid, entry.generation, entry.shape], [customer.oid, 3, shapeOf(customer)]);
    assert.deepEqual(entry.fingerprint, { copied: 3 });
    assert.deepEqual(
      entry.binding.columns.map(({ name }) => name),
      ['id', 'name', 'note'],
    );
    assert.match(entry.plan, /^[0-9a-f]{64}$/);
    assert.equal(entry.key, deriveKeys(KEY).fingerprint);
    const after = redactor.redact(batchOf({ events: [finish!] })).entries.get('public.customer');
    assert.deepEqual(after, { ...entry, state: { state: 'streaming' } });
  });

  test('keeps what the source notes of the table later, and tells the sinks nothing but the entry', () => {
    const after = afterCopy([customer, shop]);
    const noted: TableEvent<'raw'> = { type: 'noted', table: customer, fingerprint: { seen: 'later' } };
    const { events, entries } = after.redactor.redact(batchOf({ events: [noted], position: POSITION }));
    assert.deepEqual(events, []);
    const entry = { ...after.entries.get('public.customer')!, fingerprint: { seen: 'later' } };
    assert.deepEqual(entries, new Map([['public.customer', entry]]));
  });

  test('hands its events on with the redacted table, one object from its definition on', () => {
    const { redactor } = redactorOf();
    redactor.open(NONE);
    const chunks: TableEvent<'raw'>[] = [
      { type: 'chunk finished', table: customer, chunk: 1 },
      { type: 'chunk abandoned', table: customer, chunk: 2 },
    ];
    const read = changeOf('read', customer, { after: tupleOf('1', 'Ada', 'n') });
    const redacted = redactor.redact(
      batchOf({ events: [begin!, start!, ...chunks], changes: [read], chunk: { table: customer, number: 3 } }),
    );
    assert.deepEqual(
      redacted.events.map(({ type }) => type),
      ['defined', 'copy started', 'chunk finished', 'chunk abandoned'],
    );
    const tables = [
      ...redacted.events.map((event) => 'table' in event && event.table),
      redacted.chunk!.table,
      redacted.changes[0]!.table,
    ];
    const table = redacted.changes[0]!.table;
    assert.ok(tables.every((one) => one === table));
    assert.deepEqual([table.generation, table.columns.map(({ name }) => name)], [3, ['id', 'name']]);
  });

  test('reads what is kept or ruled, and nothing of a table that halts', () => {
    const { redactor } = redactorOf(
      configOf({ 'public.customer': { id: keep, name: masked() }, 'public.shop': { id: drop, city: keep } }),
    );
    redactor.open(NONE, { halts: new Map([['public.gone', 'row_missing']]) });
    assert.deepEqual(redactor.wanted(customer), [true, true, false]);
    throwsCode(() => redactor.wanted(shop), 'key_not_injective');
    assert.equal(redactor.wanted({ ...customer, name: 'public.gone' }), null);
  });

  test('tells what nobody decided on', () => {
    const { observed } = afterCopy([customer], configOf({ 'public.customer': { id: keep, name: nulled } }));
    const [warning, ...others] = observed.of('warning');
    assert.deepEqual([warning?.table, warning?.code, others], ['public.customer', 'undecided_column', []]);
    assert.match(warning!.message, /tables\["public\.customer"\]\.columns\.note/);
    // Whoever forgets the warnings of the generation before has to hear of the new one first.
    const types = observed.all.map((seen) => (seen.type === 'table' ? `generation ${seen.generation}` : seen.type));
    assert.deepEqual(types, ['generation 1', 'warning']);
  });
});

describe('a definition under which nothing may leave', () => {
  const config = configOf(
    { 'public.customer': { id: keep }, 'public.shop': { id: keep, city: keep } },
    { columns: 'halt' },
  );

  test('halts its table alone where a column has no decision and must have one', () => {
    const { redactor, observed } = redactorOf(config);
    redactor.open(NONE);
    assert.equal(redactor.wanted(customer), null);
    const { events, entries } = redactor.redact(batchOf({ events: [...copied(customer), ...copied(shop)] }));
    const state = { state: 'halted', code: 'undecided_column' };
    assert.deepEqual(events[0], { type: 'stopped', name: 'public.customer', oid: customer.oid, state });
    assert.deepEqual(
      events.slice(1).map(({ type }) => type),
      ['defined', 'copy started', 'copy finished'],
    );
    assert.deepEqual(
      [...entries].map(([name, entry]) => [name, entry.state]),
      [
        ['public.customer', state],
        ['public.shop', { state: 'streaming' }],
      ],
    );
    assert.match(observed.of('table')[0]!.reason!, /columns\.name.*columns\.note/);
  });

  test('has no plan that a later one could be taken for', () => {
    const { redactor } = redactorOf(config);
    redactor.open(NONE);
    const entry = redactor.redact(batchOf({ events: copied(customer) })).entries.get('public.customer')!;
    assert.deepEqual(
      [entry.oid, entry.binding, entry.plan, entry.generation],
      [customer.oid, { number: 0, columns: [] }, '', 0],
    );
  });

  test('ends the pipeline where the configuration is wrong', () => {
    for (const [code, decisions] of [
      ['unknown_column', { id: keep, nmae: keep }],
      ['rule_misfit', { id: keep, name: rounded(1) }],
      ['key_not_injective', { id: nulled }],
    ] as const) {
      const { redactor } = redactorOf(configOf({ 'public.customer': decisions }));
      redactor.open(NONE);
      throwsCode(() => redactor.redact(batchOf({ events: [defined(customer)] })), code);
    }
  });
});

describe('a restart', () => {
  const { entries } = afterCopy([customer, shop]);
  const rows = [insert(customer, '1', 'Ada', null), insert(shop, '1', 'Paris')];
  const both = [defined(customer), defined(shop)];

  test('goes on with what was streaming, and changes no entry', () => {
    const { redactor, observed } = resumed(entries);
    const redacted = redactor.redact(batchOf({ events: both, changes: rows, position: POSITION }));
    assert.deepEqual(rowsOf(redacted), [
      ['public.customer', '1', 'A**'],
      ['public.shop', '1', 'Paris'],
    ]);
    assert.equal(redacted.entries.size, 0);
    assert.deepEqual(
      observed.of('table').map(({ table, state }) => [table, state]),
      [
        ['public.customer', 'streaming'],
        ['public.shop', 'streaming'],
      ],
    );
  });

  for (const state of [
    { state: 'halted', code: 'no_key' },
    { state: 'stale', since: 1n, reason: 'renamed' },
  ] as const) {
    test(`leaves out what was ${state.state}, whatever the plan says`, () => {
      const stopped = new Map([...entries, ['public.customer', withState(entries.get('public.customer')!, state)]]);
      const { redactor } = resumed(stopped, configOf({ ...decided, 'public.customer': { id: keep } }));
      const redacted = redactor.redact(batchOf({ events: both, changes: rows, position: POSITION }));
      assert.deepEqual(rowsOf(redacted), [['public.shop', '1', 'Paris']]);
      assert.equal(redacted.entries.size, 0);
    });
  }

  test('under another rule needs a new copy: the source is told so, and not a row leaves before', () => {
    const other = { ...decided, 'public.customer': { ...decided['public.customer'], name: masked(2) } };
    const { redactor } = resumed(entries, configOf(other));
    assert.deepEqual([redactor.isAsCopied(customer), redactor.isAsCopied(shop)], [false, true]);
    const redacted = redactor.redact(batchOf({ events: both, changes: rows, position: POSITION }));
    assert.deepEqual(rowsOf(redacted), [['public.shop', '1', 'Paris']]);
  });

  test('may find a definition that does not fit the rules, which the source can ask without a consequence', () => {
    const { redactor, observed } = resumed(entries, configOf(decided));
    const wrong = configOf({ ...decided, 'public.customer': { id: keep, name: rounded(1) } });
    assert.deepEqual([redactor.fits(customer), resumed(entries, wrong).redactor.fits(customer)], [true, false]);
    assert.equal(observed.of('table').filter(({ state }) => state === 'halted').length, 0);
    assert.equal(redactor.redact(batchOf({ position: POSITION })).entries.size, 0);
  });

  test('with a new copy keeps what the table was said to be until the copy is finished', () => {
    const stale = { state: 'stale', since: 1n, reason: 'renamed' } as const;
    const { redactor } = resumed(new Map([['public.shop', withState(entries.get('public.shop')!, stale)]]));
    const [begin, start, finish] = copied(shop, 2);
    const begun = redactor.redact(batchOf({ events: [begin!, start!] })).entries.get('public.shop');
    assert.deepEqual([begun?.generation, begun?.state], [2, stale]);
    const { entries: after } = redactor.redact(batchOf({ events: [finish!] }));
    assert.deepEqual(after.get('public.shop')?.state, { state: 'streaming' });
  });

  test('that copies everything anew may do so under any rule', () => {
    const other = configOf({ ...decided, 'public.customer': { id: keep, name: keep } });
    const { redactor } = resumed(entries, other);
    // The definitions come in a batch of their own, and of another generation.
    redactor.redact(batchOf({ events: [defined(customer, 2), defined(shop, 2)] }));
    const started = [customer, shop].flatMap((table) => copied(table, 2).slice(1));
    const after = redactor.redact(batchOf({ events: started })).entries.get('public.customer')!;
    assert.deepEqual([after.generation, after.state], [2, { state: 'streaming' }]);
    assert.notEqual(after.plan, entries.get('public.customer')!.plan);
    assert.equal(redactor.redact(batchOf({ changes: rows, position: POSITION })).changes.length, 2);
  });

  test('does not take rows of a copy for those of the one before', () => {
    const { redactor } = resumed(entries);
    redactor.redact(batchOf({ events: [defined(customer, 2)] }));
    assert.throws(() => redactor.redact(batchOf({ changes: [rows[0]!] })), /before their definition/);
  });

  test('under another key stops at once, whatever state the tables are in', () => {
    const config = configOf(decided, { key: OTHER_KEY });
    const states: TableState[] = [{ state: 'streaming' }, { state: 'absent' }, { state: 'halted', code: 'no_key' }];
    for (const state of states) {
      const stored = new Map([['public.customer', withState(entries.get('public.customer')!, state)]]);
      throwsCode(() => resumed(stored, config), 'key_changed');
    }
    resumed(new Map([['public.elsewhere', entries.get('public.customer')!]]), config);
  });

  test('makes a table absent that is not configured any more, once', () => {
    const { redactor } = resumed(entries, configOf({ 'public.shop': decided['public.shop'] }));
    const redacted = redactor.redact(batchOf({ events: [defined(shop)], position: POSITION }));
    const before = entries.get('public.customer')!;
    assert.deepEqual([...redacted.entries], [['public.customer', withState(before, { state: 'absent' })]]);
    const again = resumed(
      new Map([...entries, ...redacted.entries]),
      configOf({ 'public.shop': decided['public.shop'] }),
    );
    assert.equal(again.redactor.redact(batchOf({ events: [defined(shop)], position: POSITION })).entries.size, 0);
  });

  test('halts a table whose definition is not the one that was copied', () => {
    const changed = tableOf({ relation: 'customer', columns: { id: 'integer', name: 'varchar(9)', note: 'text' } });
    for (const table of [changed, { ...customer, oid: 99_999 }]) {
      const { redactor } = resumed(entries);
      const redacted = redactor.redact(
        batchOf({ events: [defined(table), defined(shop)], changes: [insert(table, '1', 'Ada', 'n')] }),
      );
      assert.deepEqual(redacted.entries.get('public.customer')?.state, { state: 'halted', code: 'stale' });
      assert.deepEqual(redacted.changes, []);
    }
  });

  test('halts a table whose names have moved, and keeps what it was bound to', () => {
    const swapped = tableOf({
      relation: 'customer',
      columns: { id: 'integer', note: ['text', 2], name: ['text', 3] },
    });
    const { redactor, observed } = resumed(entries);
    const redacted = redactor.redact(
      batchOf({ events: [...copied(swapped, 2)], changes: [insert(swapped, '1', 'Ada', 'n')] }),
    );
    const entry = redacted.entries.get('public.customer')!;
    assert.deepEqual(entry, withState(entries.get('public.customer')!, { state: 'halted', code: 'names_moved' }));
    assert.deepEqual([redacted.changes, redacted.events.length], [[], 1]);
    assert.match(observed.of('table').at(-1)!.reason!, /name is now called note.*note is now called name/);
  });

  test('halts both of two tables that swapped their names', () => {
    const twins = [customer, { ...customer, oid: 16_777, relation: 'other', name: 'public.other' }];
    const config = configOf({
      'public.customer': decided['public.customer'],
      'public.other': decided['public.customer'],
    });
    const { entries } = afterCopy(twins, config);
    const swapped = [
      { ...twins[0]!, oid: 16_777 },
      { ...twins[1]!, oid: customer.oid },
    ];
    const redacted = resumed(entries, config).redactor.redact(
      batchOf({ events: swapped.flatMap((table) => copied(table, 2)) }),
    );
    assert.deepEqual(
      [...redacted.entries.values()].map(({ state }) => state),
      Array(2).fill({ state: 'halted', code: 'names_moved' }),
    );
  });
});

describe('tables that stop', () => {
  const { entries } = afterCopy([customer, shop]);

  test('on the source’s word keep what they were bound to, and none of their changes leave', () => {
    const { redactor } = resumed(entries);
    redactor.redact(batchOf({ events: [defined(customer), defined(shop)] }));
    const state = { state: 'stale', since: 5n, reason: 'a column was added' } as const;
    const stopped = { type: 'stopped', name: 'public.customer', oid: 1, state, definition: null } as const;
    const redacted = redactor.redact(batchOf({ events: [stopped], changes: [insert(customer, '1', 'Ada', null)] }));
    assert.deepEqual(redacted.entries.get('public.customer'), withState(entries.get('public.customer')!, state));
    const { definition: _, ...told } = stopped;
    assert.deepEqual([redacted.events, redacted.changes], [[told], []]);
  });

  test('under a definition whose names have moved are halted for that, running and in their first copy', () => {
    const columns = { id: 'integer', note: ['text', 2], name: ['text', 3] } as const;
    const definition = tableOf({ relation: 'customer', columns });
    const state = { state: 'stale', since: 5n, reason: 'columns were renamed' } as const;
    const stopped = { type: 'stopped', name: 'public.customer', oid: customer.oid, state, definition } as const;
    const running = resumed(entries).redactor;
    running.redact(batchOf({ events: [defined(customer), defined(shop)] }));
    const [begin, start] = copied(customer);
    const copying = redactorOf().redactor;
    copying.open(NONE);
    copying.redact(batchOf({ events: [begin!, start!] }));
    for (const redactor of [running, copying]) {
      const entry = redactor.redact(batchOf({ events: [stopped] })).entries.get('public.customer');
      assert.deepEqual(entry?.state, { state: 'halted', code: 'names_moved' });
      assert.deepEqual(entry?.shape, shapeOf(customer));
    }
  });

  test('before they were ever copied have an entry all the same', () => {
    const { redactor } = redactorOf();
    redactor.open(NONE);
    const state = { state: 'halted', code: 'no_key' } as const;
    const stopped = { type: 'stopped', name: 'public.customer', oid: 77, state, definition: null } as const;
    const entry = redactor.redact(batchOf({ events: [stopped] })).entries.get('public.customer')!;
    assert.deepEqual([entry.oid, entry.binding.number, entry.state], [77, 0, state]);
    redactor.redact(batchOf({ events: copied(shop) }));
    assert.equal(redactor.redact(batchOf({ position: POSITION })).changes.length, 0);
  });

  test('on a sink’s word stop with the first batch, until they are copied anew', () => {
    const halts = new Map([['public.customer', 'key_collision']]);
    const { redactor } = resumed(entries, configOf(decided), halts);
    const redacted = redactor.redact(
      batchOf({ events: [defined(customer), defined(shop)], changes: [insert(customer, '1', 'Ada', null)] }),
    );
    const state = { state: 'halted', code: 'key_collision' };
    assert.deepEqual(
      redacted.entries.get('public.customer'),
      withState(entries.get('public.customer')!, state as TableState),
    );
    assert.deepEqual(
      redacted.events.map(({ type }) => type),
      ['stopped', 'defined'],
    );
    assert.deepEqual(redacted.changes, []);
    assert.equal(redactor.wanted(customer), null);
    const copy = redactor.redact(batchOf({ events: copied(customer, 2) }));
    assert.deepEqual(copy.entries.get('public.customer')?.state, { state: 'streaming' });
  });

  test('here stay halted when the source stops them too', () => {
    const { redactor } = resumed(entries, configOf(decided), new Map([['public.customer', 'key_collision']]));
    const state = { state: 'stale', since: 5n, reason: 'a column was added' } as const;
    const redacted = redactor.redact(
      batchOf({ events: [{ type: 'stopped', name: 'public.customer', oid: 1, state, definition: null }] }),
    );
    assert.deepEqual(redacted.entries.get('public.customer')?.state, { state: 'halted', code: 'key_collision' });
    assert.equal(redacted.events.length, 1);
  });

  test('are forgotten with the next opening, and so is all that was judged', () => {
    const { redactor } = resumed(entries, configOf(decided), new Map([['public.customer', 'key_collision']]));
    redactor.open(entries);
    const events = [defined(customer), defined(shop)];
    const redacted = redactor.redact(batchOf({ events, position: POSITION }));
    assert.deepEqual([redacted.entries.size, redacted.events.length], [0, 2]);
    const misnamed = {
      ...entries.get('public.customer')!.shape,
      columns: [{ attnum: 2, name: 'was', type: 25, modifier: -1 }],
    };
    const moved = { ...entries.get('public.customer')!, shape: misnamed, plan: 'another' };
    redactor.open(new Map([...entries, ['public.customer', moved]]));
    const again = redactor.redact(batchOf({ events: [defined(customer, 2)] }));
    assert.deepEqual(again.entries.get('public.customer')?.state, { state: 'halted', code: 'names_moved' });
  });
});
