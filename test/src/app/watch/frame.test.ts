import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { widthOf } from '../../../../src/app/show/printable.ts';
import { frame } from '../../../../src/app/watch/frame.ts';
import { render } from '../../../../src/app/watch/line.ts';
import { MB, report, screen, table, view } from './views.ts';

const progress = (bytes: number) => ({
  step: 'started' as const,
  rows: bytes / 100,
  estimated_rows: null,
  bytes,
  total_bytes: 1000 * MB,
});

test('tables, sinks and slot, with rates from what was seen before', () => {
  const at = (changes: number, copied: number) =>
    report({
      'public.customer': table({ changes }),
      'public."Order Items"': table({ rows: null, generation: 3, changes: 7 }),
      'public.invoice': table({ state: 'copying', rows: copied / 100, progress: progress(copied) }),
    });
  const shown = view(at(6000, 430 * MB), { before: { report: at(5000, 400 * MB), seconds: 5 } });
  assert.deepEqual(screen(shown), [
    ' pgveil 0.1.0 · shop                                      1 copying · 0/16B0000',
    '',
    ' TABLE                 STATE      ROWS  ROWS/S   LAG',
    ' public.invoice        copying    4.5M     63k     -  ████▎░░░░░ 43% 1:35',
    ' public.customer       streaming  1.2M     200  2:30',
    ' public."Order Items"  streaming     -       0  2:30  copy 3',
    '',
    ' SINK  STATE  POSITION   BEHIND    LAG',
    ' twin  live   0/16B3748  1.0 kB  12 ms',
    ' lake  live   0/16B0000  3.0 MB   2:30',
    '',
    ' SLOT          KEEPS     OF   WRITTEN  LOST IN  WAL BUDGET',
    ' pgveil_shop  1.2 GB  10 GB  1.3 MB/s  1:55:23  ██▍░░░░░░░░░░░░░░░░░ 11%',
    ' Ctrl-C ends',
  ]);
});

test('what is halted, copied or waits stands above what streams; halts and warnings follow with their fix', () => {
  const halt = {
    code: 'no_key',
    message: 'The table has no usable key.',
    fix: 'ALTER TABLE public.audit\nADD PRIMARY KEY',
  };
  const warning = { code: 'withheld', message: '4 values of column note arrived as NULL', fix: 'Choose another rule.' };
  const shown = view(
    report({
      'public.a': table({ warnings: [warning] }),
      'public.b': table({ state: 'waiting', reason: 'column b is new' }),
      'public.audit': table({ state: 'halted', halt }),
    }),
  );
  assert.deepEqual(screen(shown), [
    ' pgveil 0.1.0 · shop                           1 halted · 1 waiting · 0/16B0000',
    '',
    ' TABLE         STATE      ROWS  ROWS/S   LAG',
    ' public.audit  halted     1.2M       -     -  no_key',
    ' public.b      waiting    1.2M       -     -  column b is new',
    ' public.a      streaming  1.2M       -  2:30',
    '',
    ' SINK  STATE  POSITION   BEHIND    LAG',
    ' twin  live   0/16B3748  1.0 kB  12 ms',
    ' lake  live   0/16B0000  3.0 MB   2:30',
    '',
    ' SLOT          KEEPS     OF   WRITTEN  LOST IN  WAL BUDGET',
    ' pgveil_shop  1.2 GB  10 GB  1.3 MB/s  1:55:23  ██▍░░░░░░░░░░░░░░░░░ 11%',
    '',
    ' ✗ public.audit: no_key: The table has no usable key.',
    '   fix: ALTER TABLE public.audit',
    '        ADD PRIMARY KEY',
    ' ! public.a: withheld: 4 values of column note arrived as NULL',
    '   fix: Choose another rule.',
    ' Ctrl-C ends',
  ]);
});

test('a sink that is away has the code beside it, and below what to do', () => {
  const trouble = { code: 'lake_away', message: 'sink lake: no answer', fix: 'Look at the store.' };
  const { sinks } = report({});
  const lake = { ...sinks.lake!, state: 'parked' as const, trouble };
  const lines = screen(view(report({ 'public.a': table() }, { sinks: { ...sinks, lake } })));
  assert.ok(lines.includes(' lake  parked  0/16B0000  3.0 MB   2:30  lake_away'), lines.join('\n'));
  assert.deepEqual(lines.slice(-3, -1), [
    ' ! sink lake: lake_away: sink lake: no answer',
    '   fix: Look at the store.',
  ]);
});

test('what the pipeline waits for stands in the heading', () => {
  const waiting = { for: 'instance', what: 'another instance of this pipeline to end' } as const;
  const [heading] = screen(view(report({ 'public.a': table({ state: 'waiting' }) }, { position: null, waiting })));
  assert.equal(heading, ' pgveil 0.1.0 · shop         waits for another instance of this pipeline to end');
});

test('what stops more stands above what stops less: the pipeline, sinks, tables, slots, and warnings of tables last', () => {
  const notice = (code: string) => ({ code, message: 'm', fix: 'f' });
  const { sinks, slot } = report({});
  const parked = { ...sinks.lake!, state: 'parked' } as const;
  const now = report(
    {
      'public.a': table({ warnings: [notice('withheld')] }),
      'public.b': table({ state: 'halted', halt: notice('no_key'), warnings: [notice('swap_blocked')] }),
    },
    {
      sinks: {
        lake: { ...parked, trouble: notice('lake_away') },
        topics: { ...parked, halt: notice('target_exists') },
      },
      slot: { ...slot, alarms: [notice('wal_retained')] },
      trouble: notice('source_away'),
    },
  );
  const marked = screen(view(now, { failure: notice('internal') }), 80, 60).filter((line) => /^ [✗!] /.test(line));
  assert.deepEqual(marked, [
    ' ✗ status: internal: m',
    ' ✗ pipeline: source_away: m',
    ' ✗ sink topics: target_exists: m',
    ' ! sink lake: lake_away: m',
    ' ✗ public.b: no_key: m',
    ' ! slot pgveil_shop: wal_retained: m',
    ' ! public.a: withheld: m',
    ' ! public.b: swap_blocked: m',
  ]);
});

test('fifty tables and more trouble than room: 80 by 24 says how many there are besides', () => {
  const warning = {
    code: 'withheld',
    message: 'a message that is long enough to be broken into two lines of eighty columns',
    fix: 'f',
  };
  const tables = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`public.t${i}`, table({ warnings: [warning] })]),
  );
  const lines = screen(view(report(tables)));
  assert.equal(lines.length, 24);
  assert.deepEqual(lines.slice(2, 11), [
    ' TABLE      STATE      ROWS  ROWS/S   LAG',
    ' public.t0  streaming  1.2M       -  2:30',
    ' public.t1  streaming  1.2M       -  2:30',
    ' public.t2  streaming  1.2M       -  2:30',
    ' public.t3  streaming  1.2M       -  2:30',
    ' public.t4  streaming  1.2M       -  2:30',
    ' public.t5  streaming  1.2M       -  2:30',
    ' public.t6  streaming  1.2M       -  2:30',
    '   and 43 more that stream',
  ]);
  assert.deepEqual(lines.slice(-5), [
    ' ! public.t0: withheld: a message that is long enough to be broken into two',
    '   lines of eighty columns',
    '   fix: f',
    '   and 49 more: pgveil status shows all',
    ' Ctrl-C ends',
  ]);
});

test('of the tables that are cut, those that do not stream are told apart', () => {
  const halt = { code: 'no_key', message: 'm', fix: 'f' };
  const tables = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`public.t${i}`, i < 30 ? table({ state: 'halted', halt }) : table()]),
  );
  const lines = screen(view(report(tables)));
  assert.equal(lines.filter((line) => line.endsWith('no_key')).length, 6);
  assert.ok(lines.includes('   and 34 more: 24 halted, 10 streaming'), lines.join('\n'));
});

test('without a running process it shows what is stored, and why where not even that can be read', () => {
  const stored = report({ 'public.a': table({ rows: null }) }, { running: false });
  assert.deepEqual(screen(view(stored)).slice(0, 4), [
    ' pgveil 0.1.0 · shop                                    not running · 0/16B0000',
    '',
    ' TABLE     STATE      ROWS  ROWS/S   LAG',
    ' public.a  streaming     -       -  2:30',
  ]);
  const failure = { code: 'source_away', message: 'source: ECONNREFUSED', fix: 'Check host, port and network.' };
  assert.deepEqual(screen(view(null, { failure })), [
    ' pgveil                                                             not running',
    '',
    ' ✗ status: source_away: source: ECONNREFUSED',
    '   fix: Check host, port and network.',
    ' Ctrl-C ends',
  ]);
});

test('a process that no longer answers leaves what was known, faded, and for how long it is so', () => {
  const shown = view(report({ 'public.a': table({ state: 'halted' }) }), { silentSeconds: 72 });
  assert.match(screen(shown)[0]!, / no answer for 1:12 · 0\/16B0000$/);
  const coloured = frame(shown, 80, 24).map((line) => render(line, true));
  assert.ok(coloured[0]!.includes('\x1b[31mno answer'));
  assert.ok(!coloured.slice(1).join('').includes('\x1b[31m'), 'nothing else is shown as if it were so now');
});

test('an alarm of the slot, a slot without a limit, and a lost one', () => {
  const { slot } = report({});
  const alarm = { code: 'wal_retained', message: 'the slot pgveil_shop keeps 11 GB', fix: 'See which sink is behind.' };
  const lines = (more: Partial<typeof slot>) =>
    screen(view(report({ 'public.a': table() }, { slot: { ...slot, ...more } })));
  assert.deepEqual(lines({ alarms: [alarm] }).slice(-3), [
    ' ! slot pgveil_shop: wal_retained: the slot pgveil_shop keeps 11 GB',
    '   fix: See which sink is behind.',
    ' Ctrl-C ends',
  ]);
  assert.equal(
    lines({ safe_bytes: null, seconds_left: null }).at(-2),
    ' pgveil_shop  1.2 GB   -  1.3 MB/s        -  no limit',
  );
  assert.match(lines({ wal_status: 'lost', safe_bytes: null, seconds_left: 0 }).at(-2)!, / 0:00 {2}lost$/);
});

test('colour is restrained, takes no room, and is away where it is not wanted', () => {
  const halt = { code: 'no_key', message: 'm', fix: 'f' };
  const shown = view(report({ 'public.a': table({ state: 'halted', halt }), 'public.b': table() }));
  const coloured = frame(shown, 80, 24).map((line) => render(line, true));
  const plain = frame(shown, 80, 24).map((line) => render(line, false));
  assert.deepEqual(
    coloured.map((line) => stripVTControlCharacters(line).trimEnd()),
    plain,
  );
  assert.ok(coloured[3]!.includes('\x1b[31mhalted'));
  assert.ok(!coloured[4]!.includes('\x1b[3'), 'what goes well has no colour');
  assert.doesNotMatch(plain.join(''), /\x1b/);
});

test('every size has exactly its lines, none as wide as the terminal, whatever names hold', () => {
  const names = ['public."日本語の表 🎉"', 'public."\x1b[31m"', `public.${'x'.repeat(63)}`];
  const tables = Object.fromEntries(
    names.map((name, i) => [name, table({ state: i ? 'streaming' : 'copying', progress: progress(MB) })]),
  );
  for (const [columns, rows] of [
    [20, 5],
    [40, 10],
    [80, 24],
    [81, 25],
    [200, 60],
  ] as const) {
    const lines = frame(view(report(tables)), columns, rows).map((line) => render(line, false));
    assert.equal(lines.length, rows);
    for (const line of lines) assert.ok(widthOf(line) < columns, `${columns}: ${line}`);
    assert.doesNotMatch(lines.join(''), /\x1b/);
  }
});

test('a sink that reads by itself has its slot beside the pipeline’s, and a table says where it is in which sink', () => {
  const own = { name: 'pgveil_shop_lake', retained_bytes: 5000 * MB, wal_status: 'extended', safe_bytes: 5000 * MB };
  const alarm = { code: 'wal_retained', message: 'The slot keeps 5.0 GB.', fix: 'Bring the sink back.' };
  const now = report({
    'public.a': table({ state: 'copying', sinks: { twin: 'streaming', lake: 'copying' } }),
  });
  const slot = { ...own, rate_bytes_per_s: null, seconds_left: null, alarms: [alarm] };
  const lake = { state: 'parked', position: '0/16B0000', lag_bytes: 3 * MB, lag_ms: 150_000, slot } as const;
  assert.deepEqual(screen(view({ ...now, sinks: { ...now.sinks, lake } })), [
    ' pgveil 0.1.0 · shop                           1 copying · 1 parked · 0/16B0000',
    '',
    ' TABLE     STATE    ROWS  ROWS/S  LAG',
    ' public.a  copying  1.2M       -    -  twin: streaming, lake: copying',
    '',
    ' SINK  STATE   POSITION   BEHIND    LAG',
    ' twin  live    0/16B3748  1.0 kB  12 ms',
    ' lake  parked  0/16B0000  3.0 MB   2:30',
    '',
    ' SLOT               KEEPS      OF   WRITTEN  LOST IN  WAL BUDGET',
    ' pgveil_shop       1.2 GB   10 GB  1.3 MB/s  1:55:23  ██▍░░░░░░░░░░░░░░░░░ 11%',
    ' pgveil_shop_lake  4.9 GB  9.8 GB         -        -  ██████████░░░░░░░░░░ 50%',
    '',
    ' ! slot pgveil_shop_lake: wal_retained: The slot keeps 5.0 GB.',
    '   fix: Bring the sink back.',
    ' Ctrl-C ends',
  ]);
});
