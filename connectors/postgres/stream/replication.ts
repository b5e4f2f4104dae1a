import type { SourceConfig } from '../../../config/config.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import { setFailover } from '../slot/failover.ts';
import { findSlot } from '../slot/slot-fit.ts';
import { requireKept } from '../slot/slot-kept.ts';
import type { Watch } from '../slot/watch.ts';
import type { Receiver } from './receiver.ts';

/**
 * Has the server send what follows the slot's position. Returns where the slot stands, asked when nobody else can move it any more.
 * Throws `slot_lost` where slot or publication are not there, or the server gave up the slot.
 */
export async function startReplication(
  receiver: Receiver,
  watch: Watch,
  { url, slot: name, publication, failover }: SourceConfig,
): Promise<Lsn> {
  const before = await watch.use((client) => requireKept(client, { slot: name, publication }));
  const mayChange = failover !== null && before.failover !== null;
  if (mayChange && failover !== before.failover) await setFailover(url, name, failover);
  await receiver.start(name, publication);
  const slot = await watch.use((client) => findSlot(client, name));
  if (!slot?.confirmedFlush) throw new PgveilError('slot_lost', `source: the slot ${name} was never made to its end`);
  return slot.confirmedFlush;
}
