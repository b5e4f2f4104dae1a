import { createServer } from 'node:net';
import pg from 'pg';
import { until } from '../wait.ts';

/**
 * A loopback port that is free, and that no other test process is given while this one runs. It lies below the range
 * from which systems take ports for outgoing connections: a server that restarts would otherwise find its own port taken
 * by some client in between.
 */
export async function freePort(): Promise<number> {
  return await until(
    async () => {
      const port = 20_000 + 2 * Math.floor(Math.random() * 6_000);
      return (await isFree(port)) && (await claims(port)) ? port : null;
    },
    { what: 'a free port between 20000 and 32000' },
  );
}

/** Resolves once the server answers a query; rejects at once when `ended` says that it never will. */
export async function acceptsConnections(address: URL, ended: () => boolean | Promise<boolean>): Promise<void> {
  await until(
    async () => {
      if (await ended()) throw new Error('Postgres ended while it was starting');
      return await answers(address);
    },
    { what: `Postgres on port ${address.port} to accept connections` },
  );
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** By listening on the odd port behind it until this process ends: a server takes seconds until it listens on its own. */
async function claims(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const claim = createServer().unref();
    claim.once('error', () => resolve(false));
    claim.listen(port + 1, '127.0.0.1', () => resolve(true));
  });
}

async function answers(address: URL): Promise<boolean> {
  const client = new pg.Client({ connectionString: `${address.href}/postgres`, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    // nobody listens yet, or it cut us off (no code) or said that it is still starting; anything else never gets better
    if (code === undefined || ['ECONNREFUSED', 'ECONNRESET', '57P03'].includes(code)) return false;
    throw error;
  } finally {
    await client.end().catch(() => {});
  }
}
