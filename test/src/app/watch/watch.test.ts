import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { afterEach, test } from 'node:test';
import { createHttp, listen } from '../../../../src/app/http.ts';
import { Metrics } from '../../../../src/app/state/metrics.ts';
import { State } from '../../../../src/app/state/state.ts';
import { Follow } from '../../../../src/app/watch/follow.ts';
import { PgveilError } from '../../../../src/core/errors.ts';
import { freePort } from '../../../support/postgres/ready.ts';
import { configText, Paper, pgveil } from '../fakes.ts';
import { report, table } from './views.ts';

const opened: Server[] = [];

afterEach(() => {
  for (const server of opened.splice(0)) server.close().closeAllConnections();
});

/** A service that answers at this port, with a table that streams. */
async function serve(port: number): Promise<Server> {
  const state = new State({ name: 'shop', slot: 'pgveil_shop', tables: ['public.a'], sinks: ['twin'] });
  state.observe({ type: 'table', table: 'public.a', generation: 7, state: 'streaming' });
  const server = createHttp(state, new Metrics(state));
  opened.push(server);
  await listen(server, { host: '127.0.0.1', port });
  return server;
}

/** As Ctrl-C does. */
const interrupt = () => process.emit('SIGINT');

test('the screen is filled, outlives a service that goes and comes back, and Ctrl-C leaves the terminal as it was', async () => {
  const port = await freePort();
  const paper = new Paper(true);
  const first = await serve(port);
  const watching = pgveil(['status', '--watch'], { config: configText(port) }, paper);
  await paper.shows('public.a  streaming');
  first.close().closeAllConnections();
  await paper.shows('no answer for');
  paper.text = paper.text.replaceAll('public.a  streaming', '');
  await serve(port);
  await paper.shows('public.a  streaming');
  interrupt();
  const { exitCode, out, err } = await watching;
  assert.deepEqual([exitCode, err], [0, '']);
  assert.ok(out.startsWith('\x1b[?1049h\x1b[?25l'), 'the alternate screen, without a cursor');
  assert.ok(out.endsWith('\x1b[?25h\x1b[?1049l'), 'and back');
  assert.equal(out.match(/\x1b\[\?1049/g)?.length, 2);
});

test('a terminal that is resized is filled at once', async () => {
  const port = await freePort();
  const paper = new Paper(true);
  await serve(port);
  const watching = pgveil(['status', '--watch'], { config: configText(port) }, paper);
  await paper.shows('public.a  streaming');
  const begun = paper.text.length;
  paper.resize(40, 12);
  const frame = paper.text.slice(begun);
  assert.equal(frame.split('\n').length, 12, 'in the same turn, without waiting for the next look');
  interrupt();
  await watching;
});

test('--json is a line a second, and says when nobody answers any more', async () => {
  const port = await freePort();
  const paper = new Paper();
  const server = await serve(port);
  const watching = pgveil(['status', '--watch', '--json'], { config: configText(port) }, paper);
  await paper.shows('"running":true');
  server.close().closeAllConnections();
  await paper.shows('"running":false');
  interrupt();
  const { exitCode, out } = await watching;
  assert.equal(exitCode, 0);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(lines.length >= 2);
  for (const line of lines) assert.deepEqual([line.name, line.tables['public.a'].generation], ['shop', 7]);
  assert.equal(lines.at(-1).running, false);
});

test('without a process it shows what is stored', async () => {
  const paper = new Paper(true);
  const watching = pgveil(['status', '--watch'], { config: configText(await freePort()) }, paper);
  await paper.shows('not running');
  interrupt();
  assert.equal((await watching).exitCode, 0);
});

test('where nothing answers that could be asked it says with what, and goes on', async () => {
  const paper = new Paper(true);
  const stored = new Map([['twin', new PgveilError('twin_away', 'sink twin: gone')]]);
  const sourceFails = new PgveilError('source_away', 'source: gone');
  const watching = pgveil(['status', '--watch'], { config: configText(await freePort()), stored, sourceFails }, paper);
  await paper.shows('status: source_away: source: gone');
  interrupt();
  assert.equal((await watching).exitCode, 0);
});

test('without a terminal it is refused, with the way to do it', async () => {
  const { exitCode, out, err } = await pgveil(['status', '--watch']);
  assert.deepEqual([exitCode, out], [2, '']);
  assert.match(err, /--watch needs a terminal/);
  assert.match(err, /--json/);
});

test('rates are those of the last seconds of one process, and none while it is silent', () => {
  const seen = new Follow();
  const of = (changes: number) => report({ 'public.a': table({ changes }) });
  seen.answered(of(0), 0);
  assert.equal(seen.view(0).before, null);
  for (let at = 1000; at <= 9000; at += 1000) seen.answered(of(at), at);
  assert.equal(seen.view(9000).before?.seconds, 5);
  seen.silent();
  assert.deepEqual([seen.view(12_000).before, seen.view(12_000).silentSeconds], [null, 3]);
  seen.answered(of(5), 13_000);
  assert.deepEqual([seen.view(13_000).before, seen.view(13_000).silentSeconds], [null, null]);
});
