import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ownSlotName } from '../../../connectors/postgres/slot/own-slots.ts';
import type { Tables } from '../../support/judge/decisions.ts';
import { runPgveil } from '../../support/trial/process.ts';
import { Servers } from '../../support/trial/servers.ts';
import type { Trial } from '../../support/trial/trial.ts';
import { until } from '../../support/wait.ts';
import { CANARY } from './fakes.ts';

// The commands against real servers, each as a process of its own.

let servers: Servers;
before(async () => {
  servers = await Servers.start();
});
after(() => servers[Symbol.asyncDispose]());

const TABLE = 'CREATE TABLE public.person (id integer PRIMARY KEY, name text, born date);';
const tables: Tables = { 'public.person': { columns: { id: 'keep', name: { fake: 'firstName' }, born: 'keep' } } };

async function check(trial: Trial) {
  const { code, stdout, stderr } = await trial.command(['check', '--json']);
  assert.equal(stderr, '');
  const { ok, findings } = JSON.parse(stdout);
  return {
    code,
    ok,
    found: findings.map((finding: { code: string; object: string }) => `${finding.code} ${finding.object}`),
  };
}

test('check finds nothing where nothing is wrong, and changes nothing', async () => {
  await using trial = await servers.trial(TABLE, tables);
  assert.deepEqual(await check(trial), { code: 0, ok: true, found: [] });
  assert.equal(await trial.confirmed(), null);
  const { rows } = await trial.twin.query("SELECT FROM pg_namespace WHERE nspname = 'pgveil'");
  assert.equal(rows.length, 0);
});

test('check lists what is wrong with the configuration, the tables and the twin at once', async () => {
  await using trial = await servers.trial(`${TABLE} CREATE TABLE public.keyless (n integer)`, {
    'public.person': { columns: { id: { truncate: 3 }, nmae: 'keep', born: { mask: {} } } },
    'public.keyless': { columns: { n: 'keep' } },
    'public.nowhere': { columns: { n: 'keep' } },
  });
  await trial.twin.query('CREATE TABLE public.keyless (n integer)');
  const { code, ok, found } = await check(trial);
  assert.deepEqual([code, ok], [2, false]);
  for (const finding of [
    'unknown_column tables["public.person"].columns.nmae',
    'rule_misfit tables["public.person"].columns.born',
    'key_not_injective tables["public.person"].columns.id',
    'unknown_table public.nowhere',
    'target_exists public.keyless',
    'no_key public.keyless',
  ]) {
    assert.ok(found.includes(finding), `${finding} is not among ${found.join(', ')}`);
  }
});

test('a type of the twin that no column has is a warning, and ends no start', async () => {
  await using trial = await servers.trial(
    `CREATE TYPE mood AS ENUM ('sad'); ${TABLE}
    ALTER TABLE public.person ADD mood mood`,
    {
      'public.person': { columns: { ...tables['public.person']!.columns, mood: 'keep' } },
    },
  );
  const configuration = trial.configuration() as { sinks: { twin: { types: Record<string, string> } } };
  configuration.sinks.twin.types = { mood: 'character varying(10)' };
  const file = await trial.write(configuration);
  const { code, findings } = await checkFile(file);
  assert.deepEqual(
    [code, findings.map((finding) => `${finding.code} ${finding.object}`)],
    [0, ['type_unmatched sinks.twin.types']],
  );
  const ran = await trial.pgveil(['run', '--until-caught-up', '-c', file]);
  assert.equal(ran.code, 0);
  assert.match(ran.stdout, /"code":"type_unmatched"/);
});

test('an only sink that is to be detached is a warning, and ends no start', async () => {
  await using trial = await servers.trial(TABLE, tables);
  const configuration = trial.configuration() as { sinks: { twin: { on_wal_limit: string } } };
  configuration.sinks.twin.on_wal_limit = 'detach';
  const file = await trial.write(configuration);
  const { code, findings } = await checkFile(file);
  assert.deepEqual(
    [code, findings.map((finding) => `${finding.code} ${finding.object}`)],
    [0, ['detach_impossible sinks.twin.on_wal_limit']],
  );
  const ran = await trial.pgveil(['run', '--until-caught-up', '-c', file]);
  assert.equal(ran.code, 0);
  assert.match(ran.stdout, /"code":"detach_impossible"/);
});

test('check sees that source and twin are one database', async () => {
  await using trial = await servers.trial(TABLE, tables);
  const configuration = trial.configuration() as { sinks: { twin: { url: string } } };
  configuration.sinks.twin.url = trial.sourceUrl;
  const found = await checkFile(await trial.write(configuration));
  assert.ok(found.findings.some((finding) => finding.code === 'twin_is_source' && finding.object === 'sinks.twin.url'));
  assert.equal(found.code, 2);
});

test('check sees that two sinks are one database', async () => {
  await using trial = await servers.trial(TABLE, tables);
  const configuration = trial.configuration() as { sinks: Record<string, unknown> };
  configuration.sinks.other = { type: 'postgres', url: trial.twinUrl };
  const { code, findings } = await checkFile(await trial.write(configuration));
  assert.deepEqual(
    [code, findings.map((finding) => `${finding.code} ${finding.object}`)],
    [2, ['sink_shared sinks.other.url']],
  );
});

test('a source that is away is one finding with exit code 1, and does not hide what is wrong with the twin', async () => {
  await using trial = await servers.trial(TABLE, tables);
  const configuration = trial.configuration() as { source: { url: string } };
  configuration.source.url = 'postgres://nobody:secret@127.0.0.1:1/nowhere';
  const away = await checkFile(await trial.write(configuration));
  assert.deepEqual([away.code, away.findings.map(({ code }) => code)], [1, ['source_away']]);
  await trial.twin.query('CREATE TABLE public.person (id integer)');
  const both = await checkFile(await trial.write(configuration));
  assert.deepEqual([both.code, both.findings.map(({ code }) => code)], [3, ['target_exists', 'source_away']]);
});

test('a source on another machine whose URL says nothing about TLS is a warning beside what else there is', async () => {
  await using trial = await servers.trial(TABLE, tables);
  const configuration = trial.configuration() as { source: { url: string } };
  const listed = async (query: string) => {
    configuration.source.url = `postgres://nobody:secret@nowhere.invalid/nowhere${query}`;
    const { code, findings } = await checkFile(await trial.write(configuration));
    return { code, found: findings.map((finding) => `${finding.code} ${finding.object}`).sort() };
  };
  assert.deepEqual(await listed(''), { code: 1, found: ['no_tls source.url', 'source_away source'] });
  assert.deepEqual(await listed('?sslmode=verify-full'), { code: 1, found: ['source_away source'] });
});

test('status without a process, before the first start', async () => {
  await using trial = await servers.trial(TABLE, tables);
  const { code, stdout } = await trial.command(['status', '--json']);
  const status = JSON.parse(stdout);
  assert.deepEqual([code, status.running, status.position], [0, false, null]);
  assert.equal(status.tables['public.person'].state, 'waiting');
  const unknown = {
    retained_bytes: null,
    wal_status: null,
    safe_bytes: null,
    rate_bytes_per_s: null,
    seconds_left: null,
  };
  assert.deepEqual(status.slot, { name: trial.slot, ...unknown, alarms: [] });
});

test('drop asks, and removes the slot and the publication that pgveil made, and no other', async () => {
  await using trial = await servers.trial(TABLE, tables);
  await trial.source.query(`SELECT pg_create_logical_replication_slot('${trial.slot}', 'pgoutput')`);
  await trial.source.query(`CREATE PUBLICATION ${trial.slot} FOR TABLE public.person`);
  const refused = await trial.command(['drop']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /--yes/);
  const first = await trial.command(['drop', '--yes', '--json']);
  assert.deepEqual(JSON.parse(first.stdout).removed, [`replication slot ${trial.slot} on the source`]);
  await trial.source.query(`COMMENT ON PUBLICATION ${trial.slot} IS 'made by pgveil'`);
  const second = await trial.command(['drop', '--yes', '--data']);
  assert.equal(second.stdout, `removed publication ${trial.slot} on the source\n`);
  assert.equal((await trial.command(['drop', '--yes', '--data'])).stdout, 'there was nothing to remove\n');
});

for (const [kind, function_, rest] of [
  ['physical', 'pg_create_physical_replication_slot', ''],
  ['for test_decoding', 'pg_create_logical_replication_slot', `, 'test_decoding'`],
]) {
  test(`a slot ${kind} under the configured name is somebody else’s: check refuses it, and drop leaves it alone`, async () => {
    await using trial = await servers.trial(TABLE, tables);
    const { slot } = trial;
    await trial.source.query(`SELECT ${function_}('${slot}'${rest})`);
    const { code, found } = await check(trial);
    assert.deepEqual([code, found], [3, ['slot_unfit source.slot']]);
    const dropped = await trial.command(['drop', '--data', '--yes', '--json']);
    const { removed, left_alone, errors } = JSON.parse(dropped.stdout);
    assert.deepEqual([dropped.code, removed, errors], [0, [], []]);
    assert.match(left_alone.join(), new RegExp(`^replication slot ${slot} on the source \\(${kind}`));
    const { rows } = await trial.source.query(`SELECT FROM pg_replication_slots WHERE slot_name = '${slot}'`);
    assert.equal(rows.length, 1);
    await trial.source.query(`SELECT pg_drop_replication_slot('${slot}')`);
  });
}

test('drop removes what it can reach, says what is left, and finishes when that is back', async () => {
  await using trial = await servers.trial(TABLE, tables);
  await trial.catchUp();
  const here = trial.configuration() as { source: { url: string }; sinks: { twin: { url: string } } };
  const nowhere = 'postgres://nobody:secret@127.0.0.1:1/nowhere';
  const drop = async (configuration: unknown) => {
    const args = ['drop', '--data', '--yes', '--json', '-c', await trial.write(configuration)];
    const { code, stdout } = await trial.pgveil(args);
    const { removed, errors } = JSON.parse(stdout);
    return { code, removed, errors: errors.map(({ code, object }: Record<string, string>) => `${code} ${object}`) };
  };
  assert.deepEqual(await drop({ ...here, sinks: { twin: { ...here.sinks.twin, url: nowhere } } }), {
    code: 1,
    removed: [`replication slot ${trial.slot} on the source`, `publication ${trial.slot} on the source`],
    errors: ['twin_away twin'],
  });
  assert.deepEqual(await drop({ ...here, source: { ...here.source, url: nowhere } }), {
    code: 1,
    removed: ['checkpoint and 1 table in sink twin'],
    errors: ['source_away source'],
  });
  assert.deepEqual(await drop(here), { code: 0, removed: [], errors: [] });
  await trial.assertNothingMade();
});

test('a run copies and streams, says where it stands, and neither a value nor a secret comes out anywhere', async () => {
  const rows = `INSERT INTO public.person SELECT n, '${CANARY}' || n, '2000-01-01' FROM generate_series(1, 1000) n;`;
  await using trial = await servers.trial(`${TABLE} ${rows}`, tables);
  const service = await trial.stream();
  await trial.source.query(`UPDATE public.person SET name = '${CANARY}' WHERE id <= 10`);
  const seen = await trial.holdsAll(service);
  assert.equal(seen.tables['public.person']?.state, 'streaming');
  const shown = await trial.command(['status', '--json']);
  assert.equal(JSON.parse(shown.stdout).running, true);
  const refused = await trial.command(['drop', '--yes']);
  assert.deepEqual([refused.code, /is running/.test(refused.stderr)], [1, true]);
  const metrics = (await service.page('/metrics'))!.text;
  assert.match(metrics, /^pgveil_ready 1$/m);
  await service.stop();
  const again = await trial.stream();
  await again.reaches('its position', ({ position }) => position !== null);
  await again.stop();
  for (const text of [shown.stdout, refused.stderr, metrics, service.process.output, again.process.output]) {
    assert.doesNotMatch(text, new RegExp(CANARY, 'i'));
  }
  assert.deepEqual((await check(trial)).found, []);
  const dropped = await trial.command(['drop', '--data', '--yes', '--json']);
  assert.equal(JSON.parse(dropped.stdout).removed.length, 3);
});

test('a slot of a sink that was taken out shows in the status, goes with a drop, and with a start', async () => {
  await using trial = await servers.trial(TABLE, tables);
  const left = ownSlotName(trial.slot, 'lake');
  const make = () => trial.source.query(`SELECT pg_create_logical_replication_slot('${left}', 'pgoutput')`);
  const isThere = async () =>
    (await trial.source.query(`SELECT FROM pg_replication_slots WHERE slot_name = '${left}'`)).rows.length === 1;
  await make();
  const { unused_slots } = JSON.parse((await trial.command(['status', '--json'])).stdout);
  assert.deepEqual(
    unused_slots.map(({ name }: { name: string }) => name),
    [left],
  );
  assert.match((await trial.command(['status'])).stdout, new RegExp(`^slot ${left} +reserved +unused`, 'm'));
  const dropped = await trial.command(['drop', '--yes', '--json']);
  assert.deepEqual(JSON.parse(dropped.stdout).removed, [`replication slot ${left} on the source`]);
  await make();
  const service = await trial.stream();
  await until(async () => !(await isThere()), { what: 'the slot to be dropped' });
  await trial.holdsAll(service);
  await service.stop();
  assert.match(service.process.output, new RegExp(`the slot ${left} was kept for a sink .* any more: dropped`));
});

async function checkFile(file: string): Promise<{ code: number | null; findings: { code: string; object: string }[] }> {
  const { code, stdout } = await runPgveil(['check', '--json', '-c', file]);
  return { code, findings: JSON.parse(stdout).findings };
}
