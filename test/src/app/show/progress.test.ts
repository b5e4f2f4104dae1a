import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fit, printable, widthOf } from '../../../../src/app/show/printable.ts';
import { Progress } from '../../../../src/app/show/progress.ts';
import { formatBytes, formatCount, formatSeconds } from '../../../../src/app/show/quantity.ts';
import { Screen } from '../../../../src/app/show/screen.ts';
import { Paper } from '../fakes.ts';

const MB = 1024 ** 2;

function copying(tables: number) {
  let now = 0;
  const progress = new Progress(tables, () => now);
  const copy = (table: string, bytes: number, totalBytes: number) =>
    progress.observe({ type: 'copy', table, rows: bytes / 100, bytes, totalBytes });
  const finish = (table: string) => progress.observe({ type: 'table', table, generation: 1, state: 'streaming' });
  const wait = (ms: number) => {
    now += ms;
  };
  return { progress, copy, finish, wait };
}

test('a table under way shows percent, rows, bytes, rate and time left', () => {
  const { progress, copy, wait } = copying(2);
  copy('public.customer', 0, 100 * MB);
  wait(1000);
  copy('public.customer', 25 * MB, 100 * MB);
  assert.deepEqual(progress.lines(79, 24), [
    'copied 0 of 2 tables · 262k rows · 25 MB · 25 MB/s · 0:03 left',
    '  public.customer        ██▊░░░░░░░░  25%  262k rows   25 MB   25 MB/s    0:03',
  ]);
});

test('a copy that hangs slows down, and one that is over its estimate is never at 100 %', () => {
  const { progress, copy, wait } = copying(1);
  copy('public.t', 0, MB);
  wait(1000);
  copy('public.t', 2 * MB, MB);
  assert.match(progress.lines(79, 24)[1]!, / 99% .* 2\.0 MB\/s {4}0:00$/);
  wait(9000);
  assert.match(progress.lines(79, 24)[1]!, / 205 kB\/s/);
});

test('sixty tables with long and wide names fit 80 by 24', () => {
  const { progress, copy, wait } = copying(60);
  for (let step = 0; step < 2; step++) {
    for (let i = 0; i < 60; i++) copy(`sales.${'表🎉'.repeat(i % 20)}_${i}`, step * MB * (i + 1), 999_999 * MB);
    wait(500);
  }
  const lines = progress.lines(79, 24);
  assert.equal(lines.length, 23);
  assert.equal(lines.at(-1), '  and 39 more');
  for (const line of lines) assert.ok(widthOf(line) <= 79, line);
});

test('finished tables are summed up, and the last word follows the last table', () => {
  const { progress, copy, finish, wait } = copying(2);
  progress.observe({ type: 'copy due', tables: new Map() });
  copy('public.a', 10 * MB, 10 * MB);
  copy('public.b', 0, 10 * MB);
  finish('public.a');
  assert.equal(progress.lines(79, 24).length, 2);
  assert.match(progress.lines(79, 24)[0]!, /^copied 1 of 2 tables/);
  copy('public.b', 10 * MB, 10 * MB);
  progress.observe({ type: 'table', table: 'public.b', generation: 1, state: 'absent' });
  assert.equal(progress.active, true, 'what its entry says until it is finished');
  wait(5000);
  finish('public.b');
  assert.equal(progress.active, false);
  assert.equal(progress.result(), 'copied 2 of 2 tables: 210k rows, 20 MB in 0:05');
});

test('all tables that are due count from the start, and stand below those under way', () => {
  const { progress, copy, wait } = copying(3);
  progress.observe({
    type: 'copy due',
    tables: new Map([
      ['public.small', MB],
      ['public.large', 90 * MB],
      ['public.middle', 9 * MB],
    ]),
  });
  assert.deepEqual(progress.lines(79, 24), [
    'copied 0 of 3 tables · 0 rows · 0 B · 0 B/s · - left',
    '  public.large           ░░░░░░░░░░░   0%     0 rows     0 B     0 B/s       -',
    '  public.middle          ░░░░░░░░░░░   0%     0 rows     0 B     0 B/s       -',
    '  public.small           ░░░░░░░░░░░   0%     0 rows     0 B     0 B/s       -',
  ]);
  copy('public.middle', 0, 9 * MB);
  wait(1000);
  copy('public.middle', 5 * MB, 10 * MB);
  const lines = progress.lines(79, 24);
  assert.match(lines[0]!, / 5\.0 MB\/s · 0:19 left$/);
  assert.deepEqual(
    lines.slice(1).map((line) => line.trim().split(' ')[0]),
    ['public.middle', 'public.large', 'public.small'],
  );
});

test('a table that halts is no copy any more', () => {
  const { progress, copy, finish } = copying(2);
  copy('public.a', MB, MB);
  copy('public.b', MB, 2 * MB);
  finish('public.a');
  progress.observe({ type: 'table', table: 'public.b', generation: 1, state: 'stale', reason: 'r' });
  assert.equal(progress.active, false);
  assert.match(progress.result()!, /^copied 1 of 2 tables: 10k rows, 1\.0 MB in/);
});

test('a failure takes the bars away without a last word', () => {
  const { progress, copy } = copying(1);
  copy('public.a', 1, 10);
  progress.observe({ type: 'trouble', part: 'pipeline', code: 'source_away', message: 'm', retryInMs: 1 });
  assert.equal(progress.active, false);
  assert.equal(progress.result(), null);
});

test('a frame replaces the one before in one write, and an equal one writes nothing', () => {
  const paper = new Paper();
  const screen = new Screen(paper);
  screen.draw(['one', 'two']);
  paper.text = '';
  screen.draw(['one', 'two']);
  assert.equal(paper.text, '');
  screen.draw(['three']);
  assert.equal(paper.text, '\x1b[?2026h\x1b[?25l\x1b[2A\rthree\x1b[K\n\x1b[J\x1b[?2026l');
});

test('a line of output goes above the drawn ones, and closing leaves it and the cursor', () => {
  const paper = new Paper();
  const screen = new Screen(paper);
  screen.draw(['bar']);
  screen.print('news');
  assert.ok(paper.text.endsWith('\x1b[1A\r\x1b[Jnews\nbar\x1b[K\n\x1b[?2026l'));
  screen.close();
  assert.ok(paper.text.endsWith('\x1b[1A\r\x1b[J\x1b[?25h'));
  paper.text = '';
  screen.close();
  assert.equal(paper.text, '');
});

test('names cannot steer the terminal, and are cut by the columns that they take', () => {
  assert.equal(printable('a\x1b[2Jb\u202ec\n'), 'a�[2Jb�c�');
  assert.equal(widthOf('aé日🎉e\u0301'), 7);
  assert.equal(fit('日本語', 6), '日本語');
  assert.equal(fit('日本語', 5), '日本…');
  assert.equal(fit('日本語', 4), '日… ');
  assert.equal(fit('ab', 4), 'ab  ');
});

test('quantities stay short', () => {
  assert.deepEqual([0, 999, 1000, 1024 * 9.96, 5 * MB * MB].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '10 kB',
    '5.0 TB',
  ]);
  assert.deepEqual([0, 999, 1000, 999_600, 12_345_678].map(formatCount), ['0', '999', '1.0k', '1.0M', '12M']);
  assert.deepEqual([0, 59.6, 3599, 3600, 200_000].map(formatSeconds), ['0:00', '1:00', '59:59', '1:00:00', '2 d']);
});
