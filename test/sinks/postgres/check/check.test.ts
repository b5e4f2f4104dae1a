import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkTwin } from '../../../../sinks/postgres/check/check.ts';
import { type TwinOptions, withTwin } from '../../../../sinks/postgres/session.ts';
import type { Finding } from '../../../../src/core/errors.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { identify } from '../../../../src/postgres/identity.ts';
import { sketchTable } from '../../../support/batches.ts';
import { forMajors } from '../../../support/postgres/majors.ts';
import { createDatabase, type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { copyInto, optionsFor, signal, TestSink } from '../twin.ts';

const TABLES = new Map([
  ['public.customer', { schema: 'public', relation: 'customer' }],
  ['sales."Order Items"', { schema: 'sales', relation: 'Order Items' }],
]);

forMajors('check of the twin', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function check(changed: Partial<TwinOptions>): Promise<Finding[]> {
    return await checkTwin(optionsFor(server, { tables: TABLES, ...changed }));
  }

  const short = (findings: Finding[]) => findings.map(({ code, object }) => `${code} ${object}`);

  function asRole(role: string, database: string): Secret<string> {
    const url = new URL(server.url(database));
    url.username = role;
    return new Secret(url.href);
  }

  test('finds nothing on an empty database of one’s own, and nothing after a run', async () => {
    const url = new Secret(await createDatabase(server, 'fine'));
    assert.deepEqual(await check({ url }), []);
    const before = await server.query('SELECT count(*) FROM pg_class', { database: 'fine' });
    await check({ url });
    assert.deepEqual(await server.query('SELECT count(*) FROM pg_class', { database: 'fine' }), before);

    const sink = new TestSink(server, { url });
    await sink.open(signal);
    await copyInto(sink, sketchTable({ relation: 'customer', columns: { id: 'bigint' }, key: ['id'] }), []);
    await sink.close();
    assert.deepEqual(await check({ url }), []);
  });

  test('lists everything at once', async () => {
    const url = new Secret(await createDatabase(server, 'crowded'));
    await server.query(
      `CREATE TABLE public.customer (id int); CREATE SCHEMA sales; CREATE VIEW sales."Order Items" AS SELECT 1`,
      { database: 'crowded' },
    );
    const sink = new TestSink(server, { url });
    await sink.open(signal);
    await sink.close();
    await server.query('UPDATE pgveil.checkpoint SET format = 999', { database: 'crowded' });
    assert.deepEqual(short(await check({ url })), [
      'target_exists public.customer',
      'target_exists sales."Order Items"',
      'newer_checkpoint shop',
    ]);
  });

  const DAMAGES = {
    'an entry that is none': `UPDATE pgveil.table_entry SET entry = '{"oid": "secret"}'`,
    'an entry that is no object': `UPDATE pgveil.table_entry SET entry = 'null'`,
    'a position without a history': 'UPDATE pgveil.checkpoint SET history_slot = NULL',
  };
  for (const [index, [what, damage]] of Object.entries(DAMAGES).entries()) {
    test(`${what}: whoever reads it says which row it is, and its fix leads to another copy`, async () => {
      const database = `damaged_${index}`;
      const url = new Secret(await createDatabase(server, database));
      const customer = sketchTable({ relation: 'customer', columns: { id: 'bigint' }, key: ['id'] });
      const sink = new TestSink(server, { url });
      await sink.open(signal);
      await copyInto(sink, customer, [['1']]);
      await sink.close();
      await server.query(damage, { database });
      const findings = await check({ url });
      assert.deepEqual(short(findings), ['checkpoint_damaged shop']);
      const [{ message, fix }] = findings as [Finding];
      const place = what.includes('position') ? 'shop in pgveil.checkpoint' : 'public.customer in pgveil.table_entry';
      assert.equal(message, `the twin's row of ${place} is not what pgveil wrote there`);
      const again = new TestSink(server, { url });
      await assert.rejects(again.open(signal), { code: 'checkpoint_damaged', message });

      await server.query(fix, { database });
      assert.deepEqual(await check({ url }), []);
      const { position, tables } = await again.open(signal);
      assert.equal(position === null, what.includes('position'));
      const generation = (tables.get('public.customer')?.generation ?? 0) + 1;
      await copyInto(again, { ...customer, generation }, [['2']]);
      await again.close();
      assert.deepEqual(await server.query('SELECT id FROM customer', { database }), [{ id: '2' }]);
    });
  }

  test('a role without rights gets the SQL that gives them', async () => {
    const database = 'strict';
    await createDatabase(server, database);
    const role = `strict_${major}`;
    await server.query(
      `CREATE ROLE ${role} LOGIN; REVOKE ALL ON DATABASE "${server.databaseName(database)}" FROM PUBLIC;
       GRANT CONNECT ON DATABASE "${server.databaseName(database)}" TO ${role};
       REVOKE ALL ON SCHEMA public FROM PUBLIC`,
      { database },
    );
    const url = asRole(role, database);
    const findings = await check({ url });
    assert.deepEqual(short(findings), [
      'twin_rights schema "pgveil"',
      'twin_rights schema "public"',
      'twin_rights schema "sales"',
    ]);
    for (const { fix } of findings) await server.query(fix, { database });
    assert.deepEqual(await check({ url }), []);

    const sink = new TestSink(server, { url });
    await sink.open(signal);
    for (const { schema, relation } of TABLES.values()) {
      await copyInto(sink, sketchTable({ schema, relation, columns: { id: 'bigint' }, key: ['id'] }), [['1']]);
    }
    await sink.close();
    assert.deepEqual(await check({ url }), []);
  });

  test('tables that another role owns', async () => {
    const database = 'owned';
    const url = new Secret(await createDatabase(server, database));
    const sink = new TestSink(server, { url });
    await sink.open(signal);
    await copyInto(sink, sketchTable({ relation: 'customer', columns: { id: 'bigint' }, key: ['id'] }), []);
    await sink.close();
    const role = `owner_${major}`;
    await server.query(
      `CREATE ROLE ${role} LOGIN; GRANT ALL ON DATABASE "${server.databaseName(database)}" TO ${role};
       GRANT ALL ON SCHEMA public, pgveil TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA pgveil TO ${role}`,
      { database },
    );
    const findings = await check({ url: asRole(role, database) });
    assert.deepEqual(short(findings), ['twin_rights schema pgveil', 'twin_rights public.customer']);
    for (const { fix } of findings) await server.query(fix, { database });
    assert.deepEqual(await check({ url: asRole(role, database) }), []);
    const successor = new TestSink(server, { url: asRole(role, database) });
    assert.notEqual((await successor.open(signal)).position, null);
    await successor.close();
  });

  test('a database in another encoding', async () => {
    const name = server.databaseName('latin');
    await server.query(`CREATE DATABASE "${name}" ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`);
    assert.deepEqual(short(await check({ url: new Secret(server.url('latin')) })), ['twin_encoding twin']);
  });

  test('what cannot be reached is a finding, too, and shows no password', async () => {
    const url = new URL(server.url('not there'));
    url.password = 'canary-password';
    const findings = await check({ url: new Secret(url.href) });
    assert.deepEqual(short(findings), ['database_missing sinks.twin.url']);
    assert.ok(!JSON.stringify(findings).includes('canary'));
    url.port = '1';
    assert.deepEqual(short(await check({ url: new Secret(url.href) })), ['twin_away sinks.twin.url']);
  });

  test('two databases of one server are told apart', async () => {
    const other = new Secret(await createDatabase(server, 'other'));
    const identity = (options: TwinOptions) => withTwin(options, (client) => identify(client, 'twin'));
    const one = await identity(optionsFor(server));
    const two = await identity(optionsFor(server, { url: other }));
    assert.equal(one.systemIdentifier, two.systemIdentifier);
    assert.notEqual(one.databaseOid, two.databaseOid);
    assert.deepEqual(await identity(optionsFor(server)), one);
  });
});
