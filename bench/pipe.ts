import { execFile } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import copyStreams from 'pg-copy-streams';

const execute = promisify(execFile);

const hasPsql = await execute('psql', ['--version']).then(
  () => true,
  () => false,
);

/** `psql COPY | psql COPY` of a table into one of the same columns, or the nearest thing to it where there is no psql. */
export async function pipeCopy(from: string, to: string, table: string): Promise<void> {
  if (hasPsql) return await pipePsql(from, to, table);
  process.stderr.write(
    '  there is no psql here: two connections of Node stand in for it, piped without a look at the bytes\n',
  );
  await pipeStreams(from, to, table);
}

async function pipePsql(from: string, to: string, table: string): Promise<void> {
  const psql = 'psql --no-psqlrc --quiet --set ON_ERROR_STOP=1';
  const script = `${psql} "$1" -c "COPY $3 TO STDOUT" | ${psql} "$2" -c "COPY $3 FROM STDIN"`;
  await execute('/bin/sh', ['-c', script, 'pipe', from, to, table]);
}

async function pipeStreams(from: string, to: string, table: string): Promise<void> {
  const [source, target] = [from, to].map((connectionString) => new pg.Client({ connectionString })) as [
    pg.Client,
    pg.Client,
  ];
  await Promise.all([source.connect(), target.connect()]);
  await pipeline(
    source.query(copyStreams.to(`COPY ${table} TO STDOUT`)),
    target.query(copyStreams.from(`COPY ${table} FROM STDIN`)),
  );
  await Promise.all([source.end(), target.end()]);
}
