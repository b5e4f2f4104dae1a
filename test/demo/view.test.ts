import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { frame, plainLine, plainRow, type Scene } from '../../demo/view.ts';

const scene: Scene = {
  seconds: 125,
  status: { tables: { 'public.customer': { state: 'streaming', rows: 4000 } } },
  changes: 123_456_789,
  changesPerSecond: 151.6,
  lag: { last: 5.4, p50: 4.1, p99: 20.2 },
  decisions: {
    columns: { customer_id: 'keep', email: { fake: 'email' }, city: 'keep', notes: 'null', password_hash: 'drop' },
  },
  pair: {
    id: 812,
    source: {
      email: `${'long.'.repeat(20)}@shop.test`,
      city: 'Graywick',
      notes: 'x'.repeat(300),
      password_hash: 'p',
    },
    twin: { email: 'Joan@example.com', city: 'Graywick', notes: null },
  },
  recent: Array.from({ length: 20 }, (_, at) => ({
    at: new Date(0),
    statement: `UPDATE customer ${at}`,
    story: 'y'.repeat(200),
    customer: at,
  })),
};

function lines(of: Scene, columns = 80, rows = 24): string[] {
  return frame(of, columns, rows).map((line) => stripVTControlCharacters(line));
}

/** The cells of one line of the row. */
function cells(of: Scene, column: string): string[] {
  return lines(of)
    .find((line) => line.startsWith(` ${column}`))!
    .trim()
    .split(/ {2,}/);
}

test('a frame is as high as the terminal, and no line is as wide as it, or it would wrap', () => {
  for (const [columns, rows] of [
    [80, 24],
    [120, 40],
    [60, 12],
  ] as const) {
    const drawn = lines(scene, columns, rows);
    assert.equal(drawn.length, rows);
    for (const line of drawn) assert.ok(line.length < columns, line);
  }
});

test('what is in the source and what is in the twin stand side by side', () => {
  assert.deepEqual(cells(scene, 'city'), ['city', 'Graywick', 'Graywick', 'keep']);
  assert.match(cells(scene, 'email')[1]!, /^long\..*….*@shop\.test$/);
  assert.deepEqual(cells(scene, 'email').slice(2), ['Joan@example.com', 'fake']);
  assert.deepEqual(cells(scene, 'notes').slice(2), ['NULL', 'null']);
  assert.deepEqual(cells(scene, 'password_hash').slice(2), ['(no such column)', 'drop']);
});

test('it says what is happening now, trouble first', () => {
  const happening = (status: Scene['status']) => lines({ ...scene, status })[1]!;
  const customer = { state: 'streaming', rows: 1 } as const;
  assert.match(happening(null), /pgveil is starting/);
  const copying = { state: 'copying', rows: 1, progress: { bytes: 999, total_bytes: 1000 } } as const;
  assert.match(happening({ tables: { 'public.customer': copying } }), /copying customer 99%/);
  assert.match(happening({ tables: { 'public.customer': customer } }), /streaming/);
  const halt = { code: 'no_key', message: 'has no usable key' };
  const halted = { tables: { 'public.customer': { ...customer, state: 'halted', halt } } } as const;
  assert.match(happening(halted), /public\.customer is halted: has no usable key/);
  assert.match(happening({ ...halted, trouble: { message: 'the source does not answer' } }), /does not answer/);
});

test('without a terminal it is a line of figures and the row in words', () => {
  assert.equal(
    plainLine(scene),
    '2:05 streaming: what the shop commits is redacted and in the twin at once; 4,000 rows copied, 123,456,789 changed; ' +
      'lag 5.4 ms (p50 4.1, p99 20.2)',
  );
  assert.match(
    plainRow(scene),
    /^customer 812: .*city: Graywick -> Graywick, .*password_hash: p -> \(no such column\)$/,
  );
});
