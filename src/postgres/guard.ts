import type { Socket } from 'node:net';
import type pg from 'pg';
import { PgveilError } from '../core/errors.ts';
import type { Side } from './trouble.ts';

/** No word in answer to a statement for so long: the server may be at work, or wait for somebody's lock, or never have got it. */
const SILENCE_MS = 10_000;
const LOOK_MS = 2_000;

/**
 * What became of a connection's backend, as another connection knows: `gone` where it is not there any more or the server does not
 * answer; `there` also where the server answered and would not say.
 */
export type Whereabouts = () => Promise<'there' | 'gone'>;

/** How each connection is asked about. */
const asking = new WeakMap<pg.Client, Whereabouts>();

/** For whoever waits for something else than the answer to a statement. */
export function askWhereabouts(client: pg.Client): Promise<'there' | 'gone'> {
  return asking.get(client)!();
}

/**
 * Ends a connection that is half-open, so that whoever waits for its answer is told. TCP itself notices only after a quarter of an hour
 * where something was sent that nobody confirms, and never where a proxy confirms it. A server that is blocked is waited for.
 */
export function guard(client: pg.Client, side: Side, whereabouts: Whereabouts): void {
  asking.set(client, whereabouts);
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  let heard = { bytes: stream.bytesRead, at: performance.now() };
  let isAsking = false;
  const look = async () => {
    const isWaiting = !(client as unknown as { readyForQuery: boolean }).readyForQuery;
    const hasHeard = stream.bytesRead !== heard.bytes;
    if (hasHeard || !isWaiting) heard = { bytes: stream.bytesRead, at: performance.now() };
    if (isAsking || performance.now() - heard.at < SILENCE_MS) return;
    isAsking = true;
    const found = await whereabouts();
    isAsking = false;
    if (found === 'gone' && stream.bytesRead === heard.bytes) stream.destroy(lost(side));
    heard = { bytes: stream.bytesRead, at: performance.now() };
  };
  const timer = setInterval(() => void look(), LOOK_MS).unref();
  client.once('end', () => clearInterval(timer));
}

function lost(side: Side): PgveilError {
  const said = 'no answer, and the server no longer knows the connection';
  return new PgveilError(`${side}_away`, side === 'source' ? `source: ${said}` : said);
}
