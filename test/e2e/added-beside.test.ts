import { after, test } from 'node:test';
import { forMajors } from '../support/postgres/majors.ts';
import { Servers } from '../support/trial/servers.ts';
import { until } from '../support/wait.ts';

const SETUP = `CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a');
  CREATE TABLE added (id integer PRIMARY KEY, v text); INSERT INTO added VALUES (1, 'a')`;
const columns = { columns: { id: 'keep', v: 'hash' } } as const;

forMajors('a table that is added', {}, (major) => {
  let servers: Servers | undefined;
  after(() => servers?.[Symbol.asyncDispose]());

  test('loses nothing where a transaction that wrote to it was open when it was published', async () => {
    servers = await Servers.start({ source: major });
    await using trial = await servers.trial(SETUP, { 'public.t': columns });
    await (await trial.stream()).stop();
    trial.tables = { 'public.t': columns, 'public.added': columns };
    await using writer = await servers.source.connect(trial.name);
    await writer.query(`BEGIN; INSERT INTO added VALUES (2, 'before it was published')`);
    const service = await trial.run();
    const isPublished = async () =>
      (await trial.source.query(`SELECT FROM pg_publication_tables WHERE tablename = 'added'`)).rowCount === 1;
    await until(isPublished, { what: 'the table to be published' });
    await writer.query(`INSERT INTO added VALUES (3, 'since'); COMMIT`);
    await service.isReady();
    // The walsender of the others has met with the table when it was none that it sends.
    await trial.source.query(`UPDATE added SET v = 'changed' WHERE id < 3; INSERT INTO added VALUES (4, 'new')`);
    await trial.holdsAll(service);
    await trial.assertEqual();
  });
});
