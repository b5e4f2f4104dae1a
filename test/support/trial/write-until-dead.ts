import type { RandomChanges } from '../random/changes.ts';
import type { Service } from './service.ts';

/**
 * Commits small transactions until a fault point has killed the service; fails where it ends in another way, or not at all. `large` is
 * done besides, once every table streams: inside a transaction there is no point to die at unless it is larger than a batch.
 */
export async function writeUntilDead(
  changes: RandomChanges,
  pgveil: Service,
  large: () => Promise<unknown> = async () => {},
): Promise<void> {
  const dead = pgveil.dies();
  let isDone = false;
  while (pgveil.isRunning) {
    await changes.transaction(20);
    const ready = await pgveil.page('/ready').catch(() => null); // whoever writes without a pause takes the processor from it
    if (isDone || ready?.code !== 200) continue;
    await large();
    isDone = true;
  }
  await dead;
}
