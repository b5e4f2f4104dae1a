import pg from 'pg';
import { PgveilError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import { blockersOf } from './blockers.ts';
import { type Found, guard, type TellBlockers } from './guard.ts';
import { startupOf } from './startup.ts';
import { type Side, sqlState, trouble } from './trouble.ts';

/** What values look like as text, on every connection to source and twin alike: a text means the same wherever it was read. */
const TEXT_SETTINGS = {
  timezone: 'UTC',
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  search_path: '',
  lc_monetary: 'C',
  // Under `document` a twin refuses an XML fragment, which a source may hold.
  xmloption: 'content',
  client_encoding: 'UTF8',
};

/** The server lets go of a peer that is gone within about 25 s, and with it of a slot or a lock. */
const DEAD_PEER_SETTINGS = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '30000',
};

/**
 * A role's own timeouts must not end a copy that lasts hours, nor what looks idle meanwhile: the walsender that exported its snapshot.
 * Under a lock_timeout a new slot would not wait for older transactions.
 */
const NO_TIMEOUTS = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
};

/** Only 17 and later have a transaction_timeout, and a setting that a server does not know would end the connection. */
const FIRST_WORDS = `SELECT pid, backend_start, (SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout')
  FROM pg_stat_activity WHERE pid = pg_backend_pid()`;

/** How long a server may take to let us in, and to answer what takes it no time. */
const ANSWER_MS = 15_000;

const PURPOSES = {
  /**
   * Reading the source: it cannot write there, and row-level security is an error instead of a silent filter.
   * Without `jit: off` the server compiles the catalog query at every poll: 110 ms instead of 42 for 500 tables.
   * Under `constraint_exclusion: on` a chunk of a partition locks the partition's parents, too, of which the guard thinks as of other tables.
   */
  read: {
    ...NO_TIMEOUTS,
    default_transaction_read_only: 'on',
    row_security: 'off',
    lock_timeout: '5s',
    jit: 'off',
    constraint_exclusion: 'off',
  },
  /** The walsender. */
  replication: NO_TIMEOUTS,
  /** Making the publication: the one session that writes on the source. */
  publish: { ...NO_TIMEOUTS, lock_timeout: '5s' },
  /** Writing the twin. */
  write: { ...NO_TIMEOUTS, synchronous_commit: 'on' },
};

export interface Connect {
  readonly url: Secret;
  readonly side: Side;
  readonly purpose: keyof typeof PURPOSES;
  /** application_name: what an operator sees in pg_stat_activity. */
  readonly name: string;
  /** Who wants to know whose lock is waited for. */
  readonly blocked?: TellBlockers | undefined;
}

/** Every value comes as its text: a parsed timestamp or number would already have lost something. */
const asText = { getTypeParser: () => (value: string) => value };

/** Opens a connection with the settings above. Rejects with a PgveilError (`source_away`, `credentials_refused`, …). */
export async function connect(options: Connect): Promise<pg.Client> {
  const client = made(options);
  try {
    await client.connect();
    const { rows } = await client.query<Backend>({ text: FIRST_WORDS, query_timeout: ANSWER_MS } as pg.QueryConfig);
    guard(client, options.side, () => find(rows[0]!, options), options.blocked ?? nobody);
    return client;
  } catch (error) {
    client.end().catch(() => {});
    throw trouble(options.side, error);
  }
}

/** The driver reads the files that a URL names at once. */
function made(options: Connect): pg.Client {
  try {
    return clientOf(options);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    const speaker = options.side === 'source' ? 'source: ' : '';
    throw new PgveilError('tls_failed', `${speaker}a certificate or key that the URL names cannot be read: ${code}`, {
      fix: 'Correct `sslrootcert`, `sslcert` or `sslkey` in the URL, or let this user read the file.',
    });
  }
}

function clientOf({ url, purpose, name }: Connect): pg.Client {
  const settings = { ...TEXT_SETTINGS, ...DEAD_PEER_SETTINGS, ...PURPOSES[purpose] };
  const client = new pg.Client({
    ...startupOf(url.reveal(), settings),
    application_name: name,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: ANSWER_MS,
    types: asText as never,
    ...(purpose === 'replication' ? { replication: 'database' } : {}),
  } as pg.ClientConfig);
  // A connection that ends while idle says so here; without a listener it would end the process. Whoever uses it next is told.
  client.on('error', () => {});
  return client;
}

/** The process of the server that serves a connection; numbers come again. */
interface Backend {
  readonly pid: string;
  readonly backend_start: string;
}

function nobody(): void {}

/** Asks through a connection that is made for it. */
async function find({ pid, backend_start: start }: Backend, options: Connect): Promise<Found> {
  let client: pg.Client | undefined;
  try {
    client = made({ ...options, purpose: 'read' });
    await client.connect();
    // Of another role's backend nothing is told but its pid.
    const text = 'SELECT FROM pg_stat_activity WHERE pid = $1 AND coalesce(backend_start = $2, true)';
    const asked = { text, values: [pid, start], query_timeout: ANSWER_MS };
    if ((await client.query(asked as pg.QueryConfig)).rowCount === 0) return { whereabouts: 'gone', blockers: [] };
    return { whereabouts: 'there', blockers: await blockersOf(client, pid, ANSWER_MS) };
  } catch (error) {
    const isAway = trouble(options.side, error).code === `${options.side}_away`;
    return { whereabouts: isAway && sqlState(error) === '' ? 'gone' : 'there', blockers: null };
  } finally {
    client?.end().catch(() => {});
  }
}
