import { after, before } from 'node:test';
import { acceptSink } from '../../acceptance/sink.ts';
import { forMajors } from '../../support/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { rowsOf, TestSink } from './twin.ts';

forMajors('the twin', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  acceptSink(
    'twin',
    (pipeline) => new TestSink(server, { pipeline }),
    (_, table) => rowsOf(server, table),
  );
});
