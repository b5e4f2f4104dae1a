import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { forMajors } from '../../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../../support/postgres/postgres.ts';
import { until } from '../../../support/wait.ts';
import { ask, Consumer, Database, PreparedCopy, textRows } from '../parts.ts';

const settings = { wal_level: 'logical', max_connections: '60' };

/** Many rows on many blocks, quickly. */
const manyRows = (table: string, rows: number, width = 100) =>
  `CREATE TABLE ${table} (id bigint PRIMARY KEY, ssn text, note text);
   INSERT INTO ${table} SELECT i, 'canary-' || i, repeat('n', ${width}) FROM generate_series(1, ${rows}) i;`;

/** More than the sockets between server and client take in: a COPY of it waits for its reader. */
const bigTable = manyRows('t', 40_000, 1200);

const fine = { chunkBytes: 256 * 1024 };

forMajors('a copy', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major, settings });
  });
  after(() => server[Symbol.asyncDispose]());

  test('it is the rows of the snapshot exactly, whatever is written meanwhile', async () => {
    await using database = await Database.create(server, manyRows('t', 30_000));
    await database.query(
      "INSERT INTO t VALUES (-1, NULL, ''), (-2, E'tab\\tnl\\nbs\\\\', '\\N'), (-3, 'ü😀', E'\\r\\x01')",
    );
    let writing = true;
    const writer = (async () => {
      await using session = await server.connect(database.name);
      for (let i = 0; writing; i++) {
        await session.query(`BEGIN; UPDATE t SET note = 'new' WHERE id = ${1 + (i % 30_000)}; DELETE FROM t WHERE id = ${i * 7};
          INSERT INTO t VALUES (${100_000 + i}, 'late', 'late'); UPDATE t SET id = -id WHERE id = ${i * 11 + 5}; COMMIT`);
      }
    })();
    await using copy = await PreparedCopy.prepare(database, ask('public.t'), fine);
    const copied = await copy.run();
    writing = false;
    await writer;
    const expected = await textRows(copy.snapshot, 'SELECT id::text, ssn, note FROM public.t');
    assert.ok(copied.count('chunk finished') > 5, `only ${copied.count('chunk finished')} chunks`);
    assert.equal(copied.rows('public.t').length, expected.length); // first, since a diff of so many rows takes minutes
    assert.deepEqual(copied.rows('public.t'), expected);
    assert.equal(copied.events.get('public.t')!.at(-1), 'copy read');
    const last = copy.observations.findLast(({ type }) => type === 'copy');
    assert.ok(last?.type === 'copy' && last.rows === expected.length && last.bytes === last.totalBytes);
  });

  test('how much there is to copy is said before, and how much is copied inside of a chunk', async () => {
    await using database = await Database.create(
      server,
      `${manyRows('t', 40_000)} CREATE TABLE empty (id int PRIMARY KEY);`,
    );
    await using copy = await PreparedCopy.prepare(database, ask('public.t', 'public.empty'));
    const copied = await copy.run();
    assert.equal(copied.count('chunk finished'), 1);
    const [size] = await database.query(
      "SELECT pg_table_size('public.t') AS t, pg_table_size('public.empty') AS empty",
    );
    const [due, ...rest] = copy.observations;
    assert.ok(due?.type === 'copy due');
    assert.deepEqual(Object.fromEntries(due.tables), {
      'public.t': Number(size!.t),
      'public.empty': Number(size!.empty),
    });
    const seen = rest.flatMap((one) => (one.type === 'copy' && one.table === 'public.t' ? [one] : []));
    assert.ok(seen.length >= 5, `only ${seen.length} observations`);
    assert.ok(seen.every(({ totalBytes }) => totalBytes === Number(size!.t)));
    const inside = seen.slice(1, -1);
    assert.ok(inside.every(({ bytes }) => bytes > 0 && bytes <= Number(size!.t)));
    assert.ok(inside.every(({ rows }, i) => rows > (seen[i]?.rows ?? 0)));
  });

  test('a table that is locked is measured when it is its turn, and nobody waits for it before', async () => {
    await using database = await Database.create(server, manyRows('t', 1000) + manyRows('locked', 1000));
    await using locker = await server.connect(database.name);
    await using copy = await PreparedCopy.prepare(database, ask('public.t', 'public.locked'));
    await locker.query('BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE');
    const running = copy.run();
    const find = () => copy.observations.find((one) => one.type === 'copy' && one.rows === 1000);
    await until(find, { what: 'the table that is not locked' });
    const [due] = copy.observations;
    assert.ok(due?.type === 'copy due' && due.tables.get('public.t')! > 0);
    assert.ok(due.tables.has('public.locked'));
    await locker.query('COMMIT');
    assert.equal((await running).rows('public.locked').length, 1000);
  });

  test('partitions are read leaf by leaf, in the order of columns of the whole', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE p (id int, kind text, ssn text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
      CREATE TABLE a PARTITION OF p FOR VALUES IN ('a') PARTITION BY RANGE (id);
      CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (0) TO (10);
      CREATE TABLE b (gone int, ssn text, kind text NOT NULL, id int NOT NULL); ALTER TABLE b DROP COLUMN gone;
      ALTER TABLE p ATTACH PARTITION b FOR VALUES IN ('b');
      CREATE TABLE empty (id int, note text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      INSERT INTO p VALUES (1, 'a', 'one'), (2, 'b', 'two'), (3, 'b', NULL);`,
    );
    await using copy = await PreparedCopy.prepare(database, ask('public.p', 'public.empty'));
    const copied = await copy.run();
    assert.deepEqual(copied.rows('public.p'), ['["1","a","one"]', '["2","b","two"]', '["3","b",null]']);
    assert.deepEqual(copied.events.get('public.empty'), ['defined', 'copy started', 'copy read']);
  });

  test('a large partition is read in chunks also where the planner asks for its bounds (constraint_exclusion = on)', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE p (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
      CREATE TABLE a PARTITION OF p FOR VALUES FROM (0) TO (100000) PARTITION BY RANGE (id);
      CREATE TABLE a1 PARTITION OF a DEFAULT; CREATE TABLE b PARTITION OF p DEFAULT;
      INSERT INTO p SELECT i * 20, repeat('x', 200) FROM generate_series(1, 10000) i`,
    );
    await database.query(`ALTER DATABASE ${database.server.databaseName(database.name)} SET constraint_exclusion = on`);
    await using copy = await PreparedCopy.prepare(database, ask('public.p'), fine);
    const copied = await copy.run();
    assert.equal(copied.rows('public.p').length, 10_000);
    assert.ok(copied.count('chunk finished') > 4);
    assert.equal(copied.count('stopped'), 0);
  });

  test('generated columns are never read, and unwanted ones arrive as NULL', async () => {
    await using database = await Database.create(
      server,
      `CREATE TABLE t (id int PRIMARY KEY, ssn text, loud text GENERATED ALWAYS AS (upper(ssn)) STORED, note text);
      INSERT INTO t (id, ssn, note) VALUES (1, 'canary', 'n');`,
    );
    const wanted = () => [true, false, true];
    await using copy = await PreparedCopy.prepare(database, ask('public.t'), { wanted });
    const copied = await copy.run();
    assert.deepEqual(copied.rows('public.t'), ['["1",null,"n"]']);
    assert.doesNotMatch(Buffer.concat(copied.bytes).toString(), /canary/i);
  });

  test('two columns that swap names between the snapshot and the COPY: not one byte of the table leaves', async () => {
    await using database = await Database.create(server, manyRows('t', 1000) + manyRows('other', 10));
    await using copy = await PreparedCopy.prepare(database, ask('public.t', 'public.other'));
    await database.query(
      'ALTER TABLE t RENAME ssn TO x; ALTER TABLE t RENAME note TO ssn; ALTER TABLE t RENAME x TO note',
    );
    const copied = await copy.run();
    assert.deepEqual(copied.events.get('public.t'), [
      'defined',
      'copy started',
      'stopped: its definition changed during the copy',
    ]);
    assert.equal(copied.rows('public.other').length, 10, 'the other table goes on');
    assert.equal(copied.bytes.length, 10);
  });

  test('what a table went through since the snapshot stops it alone, and says why', async () => {
    const changes: Record<string, { sql: string; reason: string }> = {
      truncated: { sql: 'TRUNCATE truncated', reason: 'rewritten during the copy' },
      // Rows that the snapshot ought not to see, and does.
      frozen: {
        sql: 'BEGIN; TRUNCATE frozen; COPY frozen FROM PROGRAM $$echo 5$$ WITH (FREEZE); COMMIT',
        reason: 'rewritten during the copy',
      },
      vacuumed: { sql: 'VACUUM FULL vacuumed', reason: 'rewritten during the copy' },
      rewritten: {
        sql: "ALTER TABLE rewritten ALTER note TYPE text USING 'x' || note",
        reason: 'rewritten during the copy',
      },
      retyped: { sql: 'ALTER TABLE retyped ALTER id TYPE int', reason: 'its definition changed during the copy' },
      dropped: { sql: 'ALTER TABLE dropped DROP note', reason: 'its definition changed during the copy' },
      again: {
        sql: 'ALTER TABLE again DROP note; ALTER TABLE again ADD note text',
        reason: 'its definition changed during the copy',
      },
      gone: { sql: 'DROP TABLE gone', reason: 'table_missing' },
      renamed: { sql: 'ALTER TABLE renamed RENAME TO elsewhere', reason: 'table_missing' },
      remade: {
        sql: 'DROP TABLE remade; CREATE TABLE remade (id bigint PRIMARY KEY, ssn text, note text)',
        reason: 'another table took its name during the copy',
      },
      keyless: { sql: 'ALTER TABLE keyless DROP CONSTRAINT keyless_pkey', reason: 'no_key' },
      viewed: {
        sql: 'ALTER TABLE viewed RENAME TO base; CREATE VIEW viewed AS SELECT * FROM base',
        reason: 'table_unfit',
      },
    };
    const names = [...Object.keys(changes), 'untouched'];
    const tables = names.map((name) =>
      name === 'frozen' ? 'CREATE TABLE frozen (id bigint PRIMARY KEY);' : manyRows(name, 50),
    );
    await using database = await Database.create(server, tables.join(''));
    await using copy = await PreparedCopy.prepare(database, ask(...names.map((name) => `public.${name}`)));
    for (const { sql } of Object.values(changes)) {
      for (const statement of sql.startsWith('BEGIN') ? [sql] : sql.split('; ')) await database.query(statement);
    }
    const copied = await copy.run();
    for (const [name, { reason }] of Object.entries(changes)) {
      assert.deepEqual(copied.events.get(`public.${name}`), ['defined', 'copy started', `stopped: ${reason}`], name);
    }
    assert.equal(copied.rows('public.untouched').length, 50);
    assert.equal(copied.bytes.length, 50, 'no row of any other left');
    const warned = copy.observations.filter(({ type }) => type === 'warning');
    assert.equal(warned.length, Object.keys(changes).length, 'each is said aloud once');
  });

  test('partitions that come, go or are emptied since the snapshot stop the table', async () => {
    const make = (name: string) =>
      `CREATE TABLE ${name} (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE ${name}1 PARTITION OF ${name} FOR VALUES FROM (0) TO (10);
      CREATE TABLE ${name}2 PARTITION OF ${name} FOR VALUES FROM (10) TO (20); INSERT INTO ${name} VALUES (1), (11);`;
    await using database = await Database.create(server, ['a', 'd', 'e'].map(make).join(''));
    await using copy = await PreparedCopy.prepare(database, ask('public.a', 'public.d', 'public.e'), { workers: 1 });
    await database.query('CREATE TABLE a3 PARTITION OF a FOR VALUES FROM (20) TO (30)');
    await database.query('ALTER TABLE d DETACH PARTITION d2');
    await database.query('TRUNCATE e2');
    const copied = await copy.run();
    const lastOf = (name: string) => copied.events.get(name)!.at(-1);
    assert.equal(lastOf('public.a'), 'stopped: its partitions changed during the copy');
    assert.equal(lastOf('public.d'), 'stopped: its partitions changed during the copy');
    assert.equal(lastOf('public.e'), 'stopped: rewritten during the copy');
  });

  test('an ALTER that waits behind a chunk is let through at once, although nobody takes the rows', async () => {
    await using database = await Database.create(server, bigTable);
    await using copy = await PreparedCopy.prepare(database, ask('public.t'), { memory: 1, workers: 2 });
    const consumer = new Consumer();
    const batches = copy.batches();
    const next = async () => {
      const { value, done } = await batches.next();
      if (!done) consumer.take(value);
      return !done;
    };
    await until(async () => (await next()) && consumer.bytes.length > 0, { what: 'the first rows' });
    await holdsLock(database, 't');
    const started = performance.now();
    await database.query('ALTER TABLE t ADD later text');
    const waited = performance.now() - started;
    assert.ok(waited < 2000, `the ALTER waited ${waited} ms`);
    while (await next());
    assert.deepEqual(consumer.events.get('public.t')!.slice(-2), [
      'chunk abandoned',
      'stopped: its definition changed during the copy',
    ]);
  });

  test('an ALTER in the midst of a large chunk has its lock within 200 ms, again and again', async (t) => {
    await using database = await Database.create(server, bigTable);
    await using copy = await PreparedCopy.prepare(database, ask('public.t'), { memory: 1, workers: 1 });
    await using owner = await server.connect(database.name);
    const batches = copy.batches();
    await batches.next();
    await batches.next();
    const waits: number[] = [];
    for (let at = 0; at < 7; at++) {
      await holdsLock(database, 't');
      const began = performance.now();
      await owner.query(`ALTER TABLE t ALTER note SET STORAGE ${at % 2 === 0 ? 'EXTERNAL' : 'EXTENDED'}`);
      waits.push(Math.round(performance.now() - began));
    }
    await batches.return(undefined);
    t.diagnostic(`the ALTERs waited for ${waits.join(', ')} ms`);
    // One of them may meet a machine that does something else.
    assert.ok(waits.toSorted((a, b) => a - b)[3]! <= 200, `they waited for ${waits.join(', ')} ms`);
  });

  test('a chunk that was given up for a lock is read again in two halves, under new numbers', async () => {
    await using database = await Database.create(server, bigTable);
    await using copy = await PreparedCopy.prepare(database, ask('public.t'), { memory: 1 });
    const consumer = new Consumer();
    const batches = copy.batches();
    await until(
      async () => {
        consumer.take((await batches.next()).value!);
        return consumer.bytes.length > 0;
      },
      { what: 'the first rows' },
    );
    await holdsLock(database, 't');
    await database.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; ROLLBACK');
    for await (const batch of batches) consumer.take(batch);
    assert.deepEqual(consumer.events.get('public.t'), [
      'defined',
      'copy started',
      'chunk abandoned',
      'chunk finished',
      'chunk finished',
      'copy read',
    ]);
    assert.equal(consumer.rows('public.t').length, 40_000);
    assert.equal(new Set(consumer.rows('public.t')).size, 40_000);
  });

  test('a table that may not be read, or not whole, halts alone', async () => {
    const role = `reader${nextSuffix()}`;
    await using database = await Database.create(
      server,
      `${manyRows('mine', 5)}${manyRows('secret', 5)}${manyRows('hidden', 5)}
      CREATE ROLE ${role} LOGIN REPLICATION; GRANT SELECT ON mine, hidden TO ${role};
      ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON hidden USING (id < 3);`,
    );
    await using copy = await PreparedCopy.prepare(database, ask('public.mine', 'public.secret', 'public.hidden'), {
      url: database.as(role),
    });
    const copied = await copy.run();
    assert.equal(copied.rows('public.mine').length, 5);
    assert.equal(copied.events.get('public.secret')!.at(-1), 'stopped: table_unreadable');
    assert.equal(copied.events.get('public.hidden')!.at(-1), 'stopped: table_unreadable');
    assert.equal(copied.bytes.length, 5);
  });

  test('whatever Postgres takes for a name works', async () => {
    const long = 'ö'.repeat(31);
    const schema = 'Mixed "Case"';
    const names = [
      'select',
      'a"b',
      "it's",
      'dot.ted',
      'back\\slash',
      '😀',
      '../etc',
      `${long}x`,
      '__proto__',
      'trailing.',
    ];
    const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
    const make = (
      name: string,
    ) => `CREATE TABLE ${quote(schema)}.${quote(name)} ("a""b" int PRIMARY KEY, "sel ect\\" text, ${quote(long)} text);
      INSERT INTO ${quote(schema)}.${quote(name)} VALUES (1, 'x', 'y');`;
    await using database = await Database.create(server, `CREATE SCHEMA ${quote(schema)};${names.map(make).join('')}`);
    const asked = ask(...names.map((name): [string, string] => [schema, name]));
    await using copy = await PreparedCopy.prepare(database, asked);
    const copied = await copy.run();
    for (const name of asked.keys()) assert.deepEqual(copied.rows(name), ['["1","x","y"]'], name);
  });

  test('a table that halts is defined and not read; one that has a problem is stopped with its code', async () => {
    await using database = await Database.create(
      server,
      `${manyRows('t', 5)}${manyRows('halted', 5)} CREATE TABLE keyless (a int); CREATE TABLE nothing ();`,
    );
    const asked = ask('public.t', 'public.halted', 'public.keyless', 'public.nothing', 'public.missing');
    await using copy = await PreparedCopy.prepare(database, asked, {
      wanted: (table) => (table.name === 'public.halted' ? null : [true, true, true]),
    });
    const copied = await copy.run();
    assert.deepEqual(copied.events.get('public.halted'), ['defined']);
    assert.deepEqual(copied.events.get('public.keyless'), ['stopped: no_key']);
    assert.deepEqual(copied.events.get('public.nothing'), ['stopped: no_key']);
    assert.deepEqual(copied.events.get('public.missing'), ['stopped: table_missing']);
    assert.equal(copied.rows('public.t').length, 5);
  });
});

let suffix = 0;
const nextSuffix = () => `${process.pid}_${++suffix}`;

/** Waits until a copy of ours holds its lock and can go no further, since nobody takes what it read. */
async function holdsLock(database: Database, table: string): Promise<void> {
  const sql = `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE a.application_name = 'pgveil copy' AND l.granted AND l.relation = '${table}'::regclass AND a.wait_event = 'ClientWrite'`;
  await until(async () => (await database.query(sql)).length > 0, { what: 'a COPY that waits for its reader' });
}
