import type { RandomChanges } from '../random/changes.ts';
import type { Service } from './service.ts';

/** Commits small transactions until a fault point has killed the service; fails where it ends in another way, or not at all. */
export async function writeUntilDead(changes: RandomChanges, pgveil: Service): Promise<void> {
  const dead = pgveil.dies();
  while (pgveil.isRunning) {
    await changes.transaction(20);
    await pgveil.page('/live').catch(() => null); // whoever writes without a pause takes the processor from it
  }
  await dead;
}
