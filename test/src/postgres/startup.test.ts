import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { startupOf } from '../../../src/postgres/startup.ts';

/** What the driver is going to tell the server. */
const told = (url: string) => {
  const client = new pg.Client({ ...startupOf(url, { timezone: 'UTC', row_security: 'off' }), application_name: 'us' });
  const { user, password, host, port, database } = client;
  const startup = (client as unknown as { getStartupConf: () => Record<string, string> }).getStartupConf();
  const { query_timeout, ssl } = (client as unknown as { connectionParameters: Record<string, unknown> })
    .connectionParameters;
  return { user, password, host, port, database, query_timeout, ssl, startup };
};

const OURS = '-c timezone=UTC -c row_security=off';

test('the options of a URL stay, and ours stand behind them', () => {
  const options = (query: string) => told(`postgres://u:p@host/db${query}`).startup.options;
  assert.equal(options(''), OURS);
  assert.equal(options('?'), OURS);
  assert.equal(options('?options='), OURS);
  assert.equal(options('?options=endpoint%3Dcool-1'), `endpoint=cool-1 ${OURS}`);
  assert.equal(options('?application_name=x&options=-c%20timezone%3DAsia/Tokyo'), `-c timezone=Asia/Tokyo ${OURS}`);
  assert.equal(options('?options=-c+a%3Db'), `-c a=b ${OURS}`);
  assert.equal(options('?options=-c a=b'), `-c a=b ${OURS}`);
  assert.equal(options('?%6Fptions=one&options=two'), `two ${OURS}`, 'as the driver does it');
});

test('what pgveil sets by itself no parameter of a URL changes', () => {
  const found = told(
    'postgres://u:p@host/db?replication=database&client_encoding=LATIN1&statement_timeout=1&lock_timeout=1&idle_in_transaction_session_timeout=1&query_timeout=1',
  );
  assert.deepEqual(found.startup, { user: 'u', database: 'db', application_name: 'us', options: OURS });
  assert.equal(found.query_timeout, false);
});

test('all else of a URL is the driver’s', () => {
  const found = told('postgres://u%40x:p%3Fw@[::1]:6543/a%20db?options=x&sslmode=no-verify&application_name=them#f');
  assert.deepEqual(found, {
    ...{ user: 'u@x', password: 'p?w', host: '::1', port: 6543, database: 'a db', query_timeout: false },
    ssl: { rejectUnauthorized: false },
    startup: { user: 'u@x', database: 'a db', application_name: 'us', options: `x ${OURS}` },
  });
  const socket = told('postgres://u@/db?host=/run/postgresql');
  assert.deepEqual([socket.user, socket.host, socket.database], ['u', '/run/postgresql', 'db']);
  assert.equal(told('postgres:///db?options=x&host=/run/postgresql').host, '/run/postgresql');
});
