import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Client } from 'pg';
import { PgveilError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { Pipeline } from '../../../src/postgres/pipeline.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres({ major: 18 });
  await server.query('CREATE TABLE public.t (id integer PRIMARY KEY, note text)');
});
after(() => server[Symbol.asyncDispose]());

const about = (name: string) => () => new PgveilError('twin_failed', name);

async function begin(): Promise<{ client: Client; pipeline: Pipeline }> {
  await server.query('TRUNCATE public.t');
  const url = new Secret(server.url());
  const client = await connect({ url, side: 'twin', purpose: 'write', name: 'pgveil test' });
  return { client, pipeline: new Pipeline(client, about('about no statement')) };
}

const is = (name: string) => (error: Error) => error.message === name;

function run(pipeline: Pipeline, text: string, parameters: readonly (string | null)[] = [], name = text) {
  return pipeline.execute({ name: '', text, isNew: true }, parameters, about(name));
}

async function notes(): Promise<unknown[]> {
  return await server.query('SELECT id, note FROM public.t ORDER BY id');
}

test('statements and a COPY are sent one behind the other, and each gets its own answer', async () => {
  const { client, pipeline } = await begin();
  const first = run(pipeline, 'INSERT INTO public.t VALUES (1, $1), (2, $2)', ['a', null]);
  const copy = pipeline.copy('COPY public.t FROM STDIN', about('copy'));
  await copy.write(Buffer.from('3\tc'));
  await copy.write(Buffer.from('\n4\t\\N\n'));
  const copied = copy.end();
  const counted = run(pipeline, 'SELECT count(*) FROM public.t');
  assert.equal((await first).rows, 2);
  assert.equal((await copied).rows, 2);
  assert.equal((await counted).value, '4');
  await pipeline.sync();
  assert.equal((await client.query('SELECT count(*) AS n FROM public.t')).rows[0].n, '4');
  assert.equal((await run(pipeline, 'DELETE FROM public.t')).rows, 4);
  await pipeline.sync();
  await client.end();
});

test('a statement is kept ready under its name', async () => {
  const { client, pipeline } = await begin();
  const statement = { name: 'kept', text: 'INSERT INTO public.t VALUES ($1)', isNew: true };
  pipeline.execute(statement, ['1'], about('first'));
  pipeline.execute({ ...statement, isNew: false }, ['2'], about('second'));
  await pipeline.sync();
  assert.equal((await notes()).length, 2);
  await client.end();
});

test('what is sent behind a failure comes to nothing, a COMMIT too, and says the same', async () => {
  const { client, pipeline } = await begin();
  run(pipeline, 'BEGIN');
  const done = run(pipeline, 'INSERT INTO public.t VALUES (1)');
  const failed = run(pipeline, 'INSERT INTO public.t VALUES (1)', [], 'the second row');
  const copy = pipeline.copy('COPY public.t FROM STDIN', about('copy'));
  const copied = copy.write(Buffer.from('2\tb\n')).then(() => copy.end());
  const committed = run(pipeline, 'COMMIT');
  assert.equal((await done).rows, 1);
  for (const one of [failed, copied, committed, pipeline.sync()]) await assert.rejects(one, is('the second row'));
  await client.query('ROLLBACK');
  assert.deepEqual(await notes(), []);
  await client.end();
});

test('a COPY that is refused in the middle tells whoever writes on', async () => {
  const { client, pipeline } = await begin();
  const copy = pipeline.copy('COPY public.t FROM STDIN', about('copy'));
  const lines = Buffer.from('not a number\tx\n'.repeat(10_000));
  await assert.rejects(async () => {
    for (;;) await copy.write(lines);
  }, is('copy'));
  await assert.rejects(copy.end(), is('copy'));
  await client.end();
});

test('a connection that is gone is told to all that wait, and to all that come', async () => {
  const { client, pipeline } = await begin();
  const { value: pid } = await run(pipeline, 'SELECT pg_backend_pid()');
  const waiting = run(pipeline, 'SELECT pg_sleep(60)');
  const behind = run(pipeline, 'SELECT 1');
  await server.query('SELECT pg_terminate_backend($1)', { values: [pid] });
  await assert.rejects(waiting, is('SELECT pg_sleep(60)'));
  await assert.rejects(behind, is('SELECT pg_sleep(60)'));
  await assert.rejects(pipeline.sync(), is('SELECT pg_sleep(60)'));
  await client.end().catch(() => {});
  await assert.rejects(run(pipeline, 'SELECT 1'), is('SELECT 1'));
});

test('what comes behind a failure and nobody waits for ends nothing but the pipeline', async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown) => unheard.push(reason);
  process.on('unhandledRejection', hear);
  const { client, pipeline } = await begin();
  await assert.rejects(run(pipeline, 'SELECT 1 / 0', [], 'the first'), is('the first'));
  run(pipeline, 'COMMIT');
  const copy = pipeline.copy('COPY public.t FROM STDIN', about('copy'));
  await assert.rejects(copy.write(Buffer.from('1\tx\n')), is('the first'));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', hear);
  assert.deepEqual(unheard, []);
  await client.end();
});

test('a connection that is lost while nothing is unanswered is told as an error of ours', async () => {
  const { client, pipeline } = await begin();
  const { value: pid } = await run(pipeline, 'SELECT pg_backend_pid()');
  const ended = new Promise<void>((resolve) => client.once('end', resolve));
  await server.query('SELECT pg_terminate_backend($1)', { values: [pid] });
  await ended;
  await assert.rejects(run(pipeline, 'SELECT 1'), is('about no statement'));
});

test('a COPY of any length leaves nothing behind in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const { client, pipeline } = await begin();
  const copy = pipeline.copy('COPY public.t FROM STDIN', about('copy'));
  const nothing = Buffer.alloc(0);
  const write = async (times: number) => {
    for (let i = 0; i < times; i++) await copy.write(nothing);
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await write(5000);
  const after = await write(20_000);
  assert.ok((after - before) / 20_000 < 50, `${(after - before) / 20_000} bytes for each write`);
  await copy.end();
  await client.end();
});
