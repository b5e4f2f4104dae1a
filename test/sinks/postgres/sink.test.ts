import { after, before } from 'node:test';
import { acceptSink } from '../../acceptance/sink.ts';
import { acceptKeys } from '../../acceptance/sink-keys.ts';
import type { MakeSink, Read } from '../../acceptance/sink-trial.ts';
import { forMajors } from '../../support/postgres/majors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { rowsOf, TestSink } from './twin.ts';

forMajors('the twin', { core: true }, (major) => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ major });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  const make: MakeSink = (pipeline) => new TestSink(server, { pipeline });
  const read: Read = (_, table) => rowsOf(server, table);
  acceptSink('twin', make, read);
  acceptKeys('twin', make, read);
});
