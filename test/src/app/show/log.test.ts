import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { showBars } from '../../../../src/app/show/display.ts';
import { createLogger, Log } from '../../../../src/app/show/log.ts';
import { readableLine } from '../../../../src/app/show/log-line.ts';
import type { Observation } from '../../../../src/core/observer.ts';
import { CANARY, Paper } from '../fakes.ts';

function logged(...seen: Observation[]): Record<string, unknown>[] {
  const lines: string[] = [];
  const log = new Log(createLogger('shop', { write: (line) => void lines.push(line) }), () => 0);
  for (const observation of seen) log.observe(observation);
  return lines.map((line) => JSON.parse(line));
}

test('a step is one JSON line with time, level, pipeline and message', () => {
  const [line] = logged({ type: 'step', message: 'slot pgveil_shop created', table: 'public.a' });
  const { time, ...rest } = line!;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(rest, { level: 'info', name: 'shop', table: 'public.a', msg: 'slot pgveil_shop created' });
});

test('what repeats is logged when it changes', () => {
  const table: Observation = { type: 'table', table: 'public.a', generation: 1, state: 'streaming' };
  const waiting: Observation = { type: 'waiting', for: 'instance', what: 'another instance' };
  const warning: Observation = { type: 'warning', table: 'public.a', code: 'view_empty', message: 'm', fix: 'f' };
  const copy: Observation = { type: 'copy', table: 'public.a', rows: 1, bytes: 1, totalBytes: 1 };
  const withheld: Observation = { type: 'withheld', table: 'public.a', column: 'note', cells: 1 };
  const twice = [waiting, copy, table, warning, withheld].flatMap((seen) => [seen, seen]);
  const lines = logged(...twice, { ...table, generation: 2 });
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    [
      'waiting: another instance',
      'copying',
      'streaming',
      'm',
      'a value could not be rewritten and arrives as NULL',
      'streaming',
    ],
  );
});

test('an alarm about WAL says what to do, and its end that it is over', () => {
  const alarm = { type: 'wal alarm', slot: 's', code: 'wal_retained', message: 'the slot s keeps 11 GB' } as const;
  const lines = logged({ ...alarm, isOver: false }, { ...alarm, isOver: true });
  assert.deepEqual(
    lines.map(({ level, code, msg, fix }) => [level, code, msg, fix !== undefined]),
    [
      ['warn', 'wal_retained', 'the slot s keeps 11 GB', true],
      ['info', 'wal_retained', 'over: the slot s keeps 11 GB', false],
    ],
  );
});

test('an alarm about a sink says what its own fix is, and its end that it is over', () => {
  const about = { type: 'sink alarm', sink: 'twin', code: 'twin_blocked', fix: 'End it.' } as const;
  const alarm = { ...about, message: 'sink twin waits for a lock of pid 7' };
  const lines = logged({ ...alarm, isOver: false }, { ...alarm, isOver: true });
  assert.deepEqual(
    lines.map(({ level, code, msg, fix }) => [level, code, msg, fix]),
    [
      ['warn', 'twin_blocked', 'sink twin waits for a lock of pid 7', 'End it.'],
      ['info', 'twin_blocked', 'over: sink twin waits for a lock of pid 7', undefined],
    ],
  );
});

test('a copy that begins says how much it is in all', () => {
  const tables = new Map([
    ['public.a', 100],
    ['public.b', 11],
  ]);
  const [line] = logged({ type: 'copy due', tables });
  assert.deepEqual([line?.msg, line?.tables, line?.total_bytes], ['a copy begins', 2, 111]);
});

test('each step of a copy is one line, with how long it took', () => {
  const at = { type: 'copy step', table: 'public.a', generation: 2 } as const;
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const log = new Log(createLogger('shop', { write: (line) => void lines.push(JSON.parse(line)) }), () => (now += 10));
  log.observe({ ...at, step: 'due', why: 'column b is new' });
  log.observe({ type: 'copy due', tables: new Map([['public.a', 4096]]) });
  log.observe({ ...at, step: 'started' });
  log.observe({ ...at, step: 'read' });
  log.observe({ ...at, step: 'dropped', why: 'rewritten during the copy' });
  const told = lines
    .filter(({ step }) => step)
    .map(({ msg, why, ms, total_ms, total_bytes }) => [msg, why, ms, total_ms, total_bytes]);
  assert.deepEqual(told, [
    ['copy due', 'column b is new', undefined, undefined, undefined],
    ['copy started', undefined, 10, undefined, 4096],
    ['copy read', undefined, 10, undefined, undefined],
    ['copy dropped', 'rewritten during the copy', 10, 30, undefined],
  ]);
});

test('a trouble has its code, its fix and when it is tried again; one that is not is an error', () => {
  const trouble = { type: 'trouble', part: 'pipeline', code: 'source_away', message: 'source: gone' } as const;
  const [passing, final] = logged({ ...trouble, retryInMs: 250 }, { ...trouble, retryInMs: null });
  assert.deepEqual([passing?.level, passing?.retry_in_ms, passing?.code], ['warn', 250, 'source_away']);
  assert.match(String(passing?.fix), /host, port/);
  assert.equal(final?.level, 'error');
});

test('a halt is logged with its code and fix', () => {
  const [line] = logged({
    type: 'table',
    table: 'public.a',
    generation: 1,
    state: 'halted',
    code: 'no_key',
    fix: 'ALTER TABLE …',
  });
  assert.deepEqual([line?.level, line?.code, line?.fix], ['warn', 'no_key', 'ALTER TABLE …']);
});

test('an error object that is logged by mistake shows nothing of itself', () => {
  const paper = new Paper();
  const logger = createLogger('shop', { write: (line) => paper.write(line) });
  logger.error({ err: new Error(CANARY), error: new Error(CANARY) }, 'oops');
  logger.error(new Error(CANARY), 'oops');
  assert.ok(!paper.text.includes(CANARY), paper.text);
});

test('on a terminal a line is short and says who, what and what to do', () => {
  const line = {
    level: 'warn',
    time: '2026-01-01T00:00:00Z',
    name: 'shop',
    part: 'pipeline',
    code: 'source_away',
    msg: 'source: gone',
  };
  const text = stripVTControlCharacters(readableLine(JSON.stringify({ ...line, fix: 'one\ntwo', retry_in_ms: 4200 })));
  assert.equal(text.slice(9), 'source_away: source: gone - again in 4 s\n         fix: one\n              two');
  const ofSink = JSON.stringify({ ...line, part: 'staging', code: 'twin_away', msg: 'sink staging: gone' });
  assert.equal(stripVTControlCharacters(readableLine(ofSink)).slice(9), 'twin_away: sink staging: gone');
  const state = { level: 'info', time: line.time, name: 'shop', table: 'public.a', generation: 2, msg: 'streaming' };
  assert.equal(readableLine(JSON.stringify(state)).slice(9), 'public.a: streaming (generation 2)');
});

test('a table whose name holds control characters cannot steer the terminal', () => {
  const entry = { level: 'info', time: '2026-01-01T00:00:00Z', table: 'public."\x1b[2J"', msg: 'streaming' };
  assert.ok(!readableLine(JSON.stringify(entry)).includes('\x1b[2J'));
});

test('the bars end with a last word and a shown cursor', async () => {
  const paper = new Paper(true);
  using display = showBars('shop', 1, paper);
  display.observe({ type: 'copy', table: 'public.a', rows: 10, bytes: 100, totalBytes: 100 });
  await paper.shows('  public.a ');
  display.observe({ type: 'table', table: 'public.a', generation: 1, state: 'streaming' });
  assert.match(paper.text, /copied 1 of 1 tables: 10 rows, 100 B/);
  assert.ok(paper.text.lastIndexOf('\x1b[?25h') > paper.text.lastIndexOf('\x1b[?25l'));
});
