import type { Socket } from 'node:net';
import type pg from 'pg';
import { PgveilError } from '../core/errors.ts';
import type { Blocker } from './blockers.ts';
import type { Side } from './trouble.ts';

/** No word in answer to a statement for so long: the server may be at work, or wait for somebody's lock, or never have got it. */
const SILENCE_MS = 10_000;
const LOOK_MS = 2_000;

/**
 * What became of a connection's backend, as another connection knows: `gone` where it is not there any more or the server does not
 * answer; `there` also where the server answered and would not say.
 */
export type Whereabouts = () => Promise<'there' | 'gone'>;

export interface Found {
  readonly whereabouts: 'there' | 'gone';
  /** Who holds the lock that it waits for; null where the server would not say. */
  readonly blockers: readonly Blocker[] | null;
}

/** Is told who holds the lock that a statement waits for, and nobody when that is over. */
export type TellBlockers = (blockers: readonly Blocker[]) => void;

/** How each connection is asked about. */
const asking = new WeakMap<pg.Client, () => Promise<Found>>();

/** For whoever waits for something else than the answer to a statement. */
export async function askWhereabouts(client: pg.Client): Promise<'there' | 'gone'> {
  return (await asking.get(client)!()).whereabouts;
}

/**
 * Ends a connection that is half-open, so that whoever waits for its answer is told. TCP itself notices only after a quarter of an hour
 * where something was sent that nobody confirms, and never where a proxy confirms it. A server that is blocked is waited for, and who is in the way is told.
 */
export function guard(client: pg.Client, side: Side, find: () => Promise<Found>, tell: TellBlockers): void {
  asking.set(client, find);
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  const now = () => ({ bytes: stream.bytesRead, at: performance.now() });
  let heard = now();
  let isAsking = false;
  let hasEnded = false;
  let isBlocked = false;
  const tellBlockers = (blockers: readonly Blocker[]) => {
    if (isBlocked || blockers.length > 0) tell(blockers);
    isBlocked = blockers.length > 0;
  };
  const ask = async () => {
    const before = heard;
    const { whereabouts, blockers } = await find();
    if (hasEnded) return;
    const isSilent = heard === before && stream.bytesRead === before.bytes;
    if (isSilent && whereabouts === 'gone') stream.destroy(lost(side));
    if (blockers) tellBlockers(isSilent ? blockers : []);
    heard = now();
  };
  const look = async () => {
    const isWaiting = !(client as unknown as { readyForQuery: boolean }).readyForQuery;
    if (stream.bytesRead !== heard.bytes || !isWaiting) {
      heard = now();
      tellBlockers([]);
    }
    if (isAsking || performance.now() - heard.at < SILENCE_MS) return;
    isAsking = true;
    await ask();
    isAsking = false;
  };
  const timer = setInterval(() => void look(), LOOK_MS).unref();
  client.once('end', () => {
    hasEnded = true;
    clearInterval(timer);
    tellBlockers([]);
  });
}

function lost(side: Side): PgveilError {
  const said = 'no answer, and the server no longer knows the connection';
  return new PgveilError(`${side}_away`, side === 'source' ? `source: ${said}` : said);
}
