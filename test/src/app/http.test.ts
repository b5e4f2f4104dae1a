import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { afterEach, test } from 'node:test';
import { createHttp, listen } from '../../../src/app/http.ts';
import { Port } from '../../../src/app/port.ts';
import { askRunning } from '../../../src/app/running.ts';
import { Metrics } from '../../../src/app/state/metrics.ts';
import { State } from '../../../src/app/state/state.ts';
import type { Observation } from '../../../src/core/observer.ts';

const opened: Server[] = [];

afterEach(() => {
  for (const server of opened.splice(0)) server.close().closeAllConnections();
});

function pipeline() {
  const state = new State({ name: 'shop', slot: 'pgveil_shop', tables: ['public."Order Items"'], sinks: ['twin'] });
  const metrics = new Metrics(state);
  const server = createHttp(state, metrics);
  opened.push(server);
  const observe = (seen: Observation) => {
    state.observe(seen);
    metrics.observe(seen);
  };
  return { state, server, observe };
}

async function serve() {
  const { state, server, observe } = pipeline();
  const port = await listen(server, { host: '127.0.0.1', port: 0 });
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { code: response.status, text: await response.text(), type: response.headers.get('content-type') };
  };
  return { state, server, observe, port, get };
}

const streaming: Observation = { type: 'table', table: 'public."Order Items"', generation: 1, state: 'streaming' };

test('/ready goes from waiting through copying to 200, and back to 503 when the twin goes away', async () => {
  const { get, observe } = await serve();
  const ready = async () => {
    const { code, text } = await get('/ready');
    return [code, JSON.parse(text).reasons];
  };
  observe({ type: 'waiting', for: 'instance', what: 'another instance' });
  assert.deepEqual(await ready(), [503, ['waiting: another instance']]);
  observe({ type: 'copy', table: 'public."Order Items"', rows: 1, bytes: 1, totalBytes: 2 });
  assert.deepEqual(await ready(), [503, ['public."Order Items": copying']]);
  observe(streaming);
  assert.deepEqual(await ready(), [503, ['the stream is not confirmed yet']]);
  observe({ type: 'confirmed' });
  observe({ type: 'durable', sink: 'twin', pos: 1n });
  assert.deepEqual(await ready(), [200, []]);
  observe({ type: 'trouble', part: 'twin', code: 'twin_away', message: 'sink twin: ECONNREFUSED', retryInMs: 1 });
  assert.deepEqual(await ready(), [503, ['twin_away: sink twin: ECONNREFUSED', 'sink twin: parked']]);
  assert.equal((await get('/live')).code, 200);
});

test('/status is the state as JSON', async () => {
  const { get, observe, state } = await serve();
  observe(streaming);
  const { code, type, text } = await get('/status?pretty');
  assert.deepEqual([code, type], [200, 'application/json']);
  assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(state.status())));
});

test('/metrics counts what was observed, with names of tables and sinks and codes as the only labels', async () => {
  const { get, observe } = await serve();
  observe(streaming);
  observe({ type: 'changes', table: 'public."Order Items"', rows: 7 });
  observe({ type: 'withheld', table: 'public."Order Items"', column: 'note', cells: 2 });
  observe({ type: 'confirmed' });
  observe({ type: 'durable', sink: 'twin', pos: 5n });
  observe({ type: 'received', pos: 15n, commitTime: null });
  const { text } = await get('/metrics');
  const name = 'table="public.\\"Order Items\\""';
  assert.ok(text.includes(`pgveil_changes_total{${name}} 7\n`), text);
  assert.ok(text.includes(`pgveil_withheld_cells_total{${name}} 2\n`));
  assert.ok(text.includes(`pgveil_table_state{${name},state="streaming"} 1\n`));
  assert.ok(text.includes(`pgveil_table_state{${name},state="copying"} 0\n`));
  assert.ok(text.includes('pgveil_sink_lag_bytes{sink="twin"} 10\n'));
  assert.ok(text.includes('pgveil_ready 1\n'));
  assert.doesNotMatch(text, /^pgveil_slot_retained_bytes/m, 'what is unknown is not zero');
  const labels = new Set(
    Array.from(text.matchAll(/^pgveil_(?!nodejs|process)\w+\{(.*)\}/gm), ([, all]) => all!).flatMap(names),
  );
  assert.deepEqual([...labels].sort(), ['code', 'sink', 'slot', 'state', 'table', 'version']);
  for (const [, metric] of text.matchAll(/^# TYPE (\w+)/gm)) assert.match(metric!, /^pgveil_/);
});

test('anything else is refused, HEAD has no body, and a name of every object is no page', async () => {
  const { get } = await serve();
  assert.equal((await get('/nothing')).code, 404);
  assert.equal((await get('/__proto__')).code, 404);
  assert.equal((await get('/status', { method: 'POST', body: 'x' })).code, 405);
  assert.deepEqual(await get('/status', { method: 'HEAD' }), { code: 200, text: '', type: 'application/json' });
});

test('a status is believed only from the pipeline of that name', async () => {
  const { port } = await serve();
  const address = { host: '0.0.0.0', port };
  assert.equal((await askRunning(address, 'shop'))?.name, 'shop');
  assert.equal(await askRunning(address, 'other'), null);
  assert.equal(await askRunning({ host: '127.0.0.1', port: 1 }, 'shop'), null);
});

function claim(port: number) {
  const listening = Promise.withResolvers<number>();
  const { server, state, observe } = pipeline();
  const address = { host: '127.0.0.1', port };
  return {
    observe,
    listening: listening.promise,
    open: () => Port.open({ server, address, name: 'shop', takenOver: state.takenOver, listening: listening.resolve }),
  };
}

test('a second instance binds the port when it has taken over and the first one has let go of it', async () => {
  const first = await serve();
  const second = claim(first.port);
  using _ = await second.open();
  second.observe(streaming);
  first.server.close().closeAllConnections();
  assert.equal(await second.listening, first.port);
  assert.equal((await fetch(`http://127.0.0.1:${first.port}/live`)).status, 200);
});

test('an instance that ends while it is asked leaves the port to the next one', async () => {
  const ending = createServer(() => ending.close().closeAllConnections());
  const port = await listen(ending, { host: '127.0.0.1', port: 0 });
  const next = claim(port);
  using _ = await next.open();
  assert.equal(await next.listening, port);
});

test('a port that a stranger holds is an error with a fix', async () => {
  const stranger = createServer((_, response) => response.end('hello'));
  opened.push(stranger);
  const port = await listen(stranger, { host: '127.0.0.1', port: 0 });
  await assert.rejects(claim(port).open(), {
    code: 'cannot_listen',
    message: `cannot listen at 127.0.0.1:${port}: another process listens there`,
    fix: /http\.listen/,
  });
});

function names(labels: string): string[] {
  return Array.from(labels.matchAll(/(?:^|,)(\w+)="/g), ([, name]) => name!);
}
