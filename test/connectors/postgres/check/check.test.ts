import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keepPublication } from '../../../../connectors/postgres/catalog/publication.ts';
import { checkSource } from '../../../../connectors/postgres/check/check.ts';
import type { Expected } from '../../../../connectors/postgres/check/expected.ts';
import type { Finding } from '../../../../src/core/errors.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { identify } from '../../../../src/postgres/identity.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { ask, Database } from '../parts.ts';

const listed = (findings: readonly Finding[]) => findings.map(({ code, object }) => `${code} ${object}`).sort();

forMajors('the check of the source', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({
      major,
      settings: { wal_level: 'logical', max_replication_slots: '2', max_wal_senders: '5' },
    });
  });
  after(() => server[Symbol.asyncDispose]());

  const expect = (database: Database, tables: Expected['tables'], more: Partial<Expected> = {}): Expected => ({
    url: database.url,
    tables,
    publication: 'pub',
    slot: 'slot',
    failover: null,
    ...more,
  });

  test('a superuser, tables with keys and no publication yet: nothing stands in the way, and nothing is changed', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (id int PRIMARY KEY)');
    assert.deepEqual(await checkSource(expect(database, ask('public.t'))), []);
    assert.deepEqual(await database.query('SELECT FROM pg_publication'), []);
    assert.deepEqual(await database.query('SELECT FROM pg_replication_slots'), []);
  });

  test('a role without any right: everything at once, and each fix mends what it names', async () => {
    const role = `poor "role" ${process.pid}`;
    const quoted = `"${role.replaceAll('"', '""')}"`;
    await using database = await Database.create(
      server,
      `CREATE SCHEMA "S 1"; CREATE TABLE "S 1".t (id int PRIMARY KEY); CREATE TABLE open (id int PRIMARY KEY);
      CREATE TABLE hidden (id int PRIMARY KEY); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
      CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
      CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (19); CREATE TABLE nokey (a int);
      CREATE ROLE ${quoted} LOGIN; GRANT SELECT ON open, hidden, p, p1, nokey TO ${quoted};`,
    );
    const asked = ask(['S 1', 't'], 'public.open', 'public.hidden', 'public.p', 'public.nokey', 'public.typo');
    const poor = expect(database, asked, { url: database.as(role) });
    const found = await checkSource(poor);
    assert.deepEqual(listed(found), [
      'no_key public.nokey',
      'publication_missing publication "pub"',
      `source_rights role ${quoted}`,
      'table_unreadable S 1.t',
      'table_unreadable public.hidden',
      'table_unreadable public.p',
      'unknown_table public.typo',
    ]);
    assert.match(found.find(({ object }) => object === 'public.p')!.fix, /^GRANT SELECT ON "public"."p2" TO [^;]*;$/);
    for (const { code, fix } of found) {
      if (!['no_key', 'unknown_table'].includes(code)) await database.query(fix);
    }
    assert.deepEqual(listed(await checkSource(poor)), ['no_key public.nokey', 'unknown_table public.typo']);
    await database.query(`DROP PUBLICATION pub; DROP OWNED BY ${quoted}; DROP ROLE ${quoted}`);
  });

  test('a schema with the name of our own is refused', async () => {
    await using database = await Database.create(
      server,
      'CREATE SCHEMA pgveil; CREATE TABLE pgveil.t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)',
    );
    const found = await checkSource(expect(database, ask('pgveil.t', 'public.u')));
    assert.deepEqual(listed(found), ['reserved_schema pgveil.t']);
  });

  test('a publication that a person made has to fit, and the SQL shown makes it fit', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE t (id int PRIMARY KEY, note text); CREATE TABLE u (id int PRIMARY KEY);
      CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
      CREATE PUBLICATION pub FOR TABLE t${major >= 15 ? ' (id) WHERE (id > 5)' : ''}, p WITH (publish = 'insert'
        ${major >= 18 ? ', publish_generated_columns = stored' : ''});`, // which is welcome
    );
    const expected = expect(database, ask('public.t', 'public.u', 'public.p'));
    const found = await checkSource(expected);
    assert.ok(found.every(({ code }) => code === 'publication_unfit'));
    const said = found.map(({ message }) => message).join('\n');
    assert.match(said, /does not publish all operations/);
    assert.match(said, /publishes partitions, not the listed tables/);
    assert.match(said, /lacks "public"."u"/);
    if (major >= 15) assert.match(said, /row filter or a column list for "public"."t"/);
    assert.equal(found.length, 3 + (major >= 15 ? 1 : 0));
    for (const { fix } of found) await database.query(fix);
    assert.deepEqual(await checkSource(expected), []);
  });

  test('one that a person made and that makes the server refuse updates is found, and the SQL shown ends it', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE t (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id) STORED); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (1);
      CREATE TABLE u (id int PRIMARY KEY); CREATE PUBLICATION pub FOR TABLE t, u WITH (publish_via_partition_root = true);`,
    );
    const asked = new Map(
      [...ask('public.t', 'public.u')].map(([name, table]) => [name, { ...table, publication: 'pub' }]),
    );
    const found = await checkSource(expect(database, asked));
    assert.deepEqual(listed(found), major >= 18 ? ['identity_unfit public.t'] : []);
    for (const { fix } of found) await database.query(fix);
    assert.deepEqual(await checkSource(expect(database, asked)), []);
    await database.query('UPDATE t SET id = 2');
  });

  test('one that pgveil made may lack tables, which a run adds; FOR ALL TABLES lacks none', async () => {
    await using database = await Database.create(
      server,
      'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)',
    );
    await keepPublication(database.url, database.observer, 'pub', await database.read(ask('public.t')));
    assert.deepEqual(await checkSource(expect(database, ask('public.t', 'public.u'))), []);
    await database.query('DROP PUBLICATION pub; CREATE PUBLICATION pub FOR ALL TABLES');
    assert.deepEqual(await checkSource(expect(database, ask('public.t', 'public.u'))), []);
  });

  test('a partition that is sent as a part of its table is not sent under its own name', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
      CREATE PUBLICATION pub FOR ALL TABLES WITH (publish_via_partition_root = true);`,
    );
    const found = await checkSource(expect(database, ask('public.p1')));
    assert.deepEqual(listed(found), ['publication_unfit publication "pub"']);
    assert.match(found[0]!.message, /as a part of a partitioned table/);
  });

  test('no free slot is a finding, and so is none beside the pipeline’s own, for a copy beside the stream', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (id int PRIMARY KEY)');
    await database.query(`SELECT pg_create_physical_replication_slot('one')`);
    await database.query(`SELECT pg_create_logical_replication_slot('two', 'pgoutput')`);
    assert.deepEqual(listed(await checkSource(expect(database, ask('public.t')))), [
      'no_free_slot max_replication_slots',
    ]);
    const two = () => checkSource(expect(database, ask('public.t'), { slot: 'two' }));
    assert.deepEqual(listed(await two()), ['no_spare_slot max_replication_slots']);
    await database.query(`SELECT pg_drop_replication_slot('one')`);
    assert.deepEqual(await two(), []);
    assert.deepEqual(listed(await checkSource(expect(database, ask('public.t')))), [
      'no_spare_slot max_replication_slots',
    ]);
    await database.query(`SELECT pg_drop_replication_slot('two')`);
  });

  test('a slot of somebody else’s under the name is a finding, and one of ours is none', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (id int PRIMARY KEY)');
    const found = async (make: string) => {
      await database.query(`SELECT ${make}`);
      const findings = await checkSource(expect(database, ask('public.t')));
      await database.query(`SELECT pg_drop_replication_slot('slot')`);
      return findings;
    };
    const [unfit, ...more] = await found(`pg_create_physical_replication_slot('slot')`);
    assert.deepEqual([unfit?.code, unfit?.object, more], ['slot_unfit', 'source.slot', []]);
    assert.match(`${unfit?.message} ${unfit?.fix}`, /"slot" is physical .*`pgveil drop` leaves it alone/);
    const decoded = await found(`pg_create_logical_replication_slot('slot', 'test_decoding')`);
    assert.deepEqual(listed(decoded), ['slot_unfit source.slot']);
    assert.deepEqual(await found(`pg_create_logical_replication_slot('slot', 'pgoutput')`), []);
  });

  test('a failover slot that is asked for and cannot be is a finding; where it is not asked for, nothing is said', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (id int PRIMARY KEY)');
    const found = (failover: boolean | null) => checkSource(expect(database, ask('public.t'), { failover }));
    assert.deepEqual(listed(await found(true)), major < 17 ? ['slot_without_failover source.failover'] : []);
    for (const failover of [false, null]) assert.deepEqual(await found(failover), []);
  });

  test('a sink that is to be detached is told of where the server keeps WAL without limit, and so does the configuration', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (id int PRIMARY KEY)');
    const found = (walLimit: number | null) => {
      const detaching = { sinks: ['lake'], hasOthers: true, walLimit };
      return checkSource(expect(database, ask('public.t'), { detaching }));
    };
    assert.deepEqual(listed(await found(null)), ['detach_impossible sinks.lake.on_wal_limit']);
    assert.deepEqual(await found(1024 ** 3), []);
  });

  test('no free WAL sender is a finding', async () => {
    await using database = await Database.create(server, 'CREATE TABLE t (id int PRIMARY KEY)');
    const { connect } = await import('../../../../src/postgres/connection.ts');
    const open = () => connect({ url: database.url, side: 'source', purpose: 'replication', name: 'test' });
    const senders = await Promise.all([open(), open(), open(), open()]);
    assert.deepEqual(listed(await checkSource(expect(database, ask('public.t')))), ['no_spare_sender max_wal_senders']);
    senders.push(await open());
    assert.deepEqual(listed(await checkSource(expect(database, ask('public.t')))), ['no_free_sender max_wal_senders']);
    await Promise.all(senders.map((sender) => sender.end()));
  });

  test('a database in another encoding is refused', async () => {
    await using database = await Database.create(server);
    await database.query(
      `CREATE DATABASE latin${database.name} ENCODING LATIN1 TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    const url = new URL(database.url.reveal());
    url.pathname = `/latin${database.name}`;
    const found = await checkSource(expect(database, ask(), { url: new Secret(url.href) }));
    assert.deepEqual(listed(found), ['source_encoding source']);
  });

  test('two addresses of one database are recognised, and two databases told apart', async () => {
    await using database = await Database.create(server);
    await using another = await Database.create(server);
    const one = await identify(database.observer, 'source');
    await using again = await server.connect(database.name);
    assert.deepEqual(await identify(again, 'twin'), one);
    const other = await identify(another.observer, 'twin');
    assert.equal(other.systemIdentifier, one.systemIdentifier);
    assert.notEqual(other.databaseOid, one.databaseOid);
  });
});

test('a server without logical WAL, and one that does not answer, are findings', async () => {
  const server = await startPostgres({ settings: { wal_level: 'replica', max_wal_senders: '0' }, own: true });
  const url = new Secret(await createDatabase(server, 'd'));
  const expected = { url, tables: ask('public.t'), publication: 'p', slot: 's', failover: null };
  const found = await checkSource(expected);
  assert.deepEqual(listed(found), ['no_free_sender max_wal_senders', 'unknown_table public.t', 'wal_level wal_level']);
  await server.stop('fast');
  assert.deepEqual(listed(await checkSource(expected)), ['source_away source']);
  await server[Symbol.asyncDispose]();
});

test('a standby is a finding', async () => {
  await using server = await startPostgres({ settings: { wal_level: 'logical' }, own: true });
  const url = new Secret(await createDatabase(server, 'd'));
  await server.stop('fast');
  await writeFile(join(server.dataDirectory, 'standby.signal'), '');
  await server.start();
  const expected = { url, tables: ask('public.t'), publication: 'p', slot: 's', failover: null };
  assert.deepEqual(listed(await checkSource(expected)), ['source_standby source']);
});
