import type { Secret } from '../../../src/core/secret.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { quoteName } from '../../../src/postgres/quote.ts';
import { trouble } from '../../../src/postgres/trouble.ts';
import { endSession } from '../session.ts';

/** Has standbys keep a slot that is there, or no longer. PostgreSQL 17 and later; nobody may read from it at the time. */
export async function setFailover(url: Secret, slot: string, failover: boolean): Promise<void> {
  const walsender = await connect({ url, side: 'source', purpose: 'replication', name: 'pgveil slot' });
  try {
    await walsender.query(`ALTER_REPLICATION_SLOT ${quoteName(slot)} (FAILOVER ${failover})`);
  } catch (error) {
    throw trouble('source', error);
  } finally {
    await endSession(walsender);
  }
}
