import type pg from 'pg';
import type { Config } from '../../config/config.ts';
import { PgveilError } from '../../src/core/errors.ts';
import type { Left, Remains } from '../../src/core/target.ts';
import { dropPublication, readPublication } from './catalog/publication.ts';
import { isRunning } from './slot/lock.ts';
import { ownSlotNames } from './slot/own-slots.ts';
import { dropSlot, inspectSlot, inUse } from './slot/slot.ts';
import { findSlot, misfitOf } from './slot/slot-fit.ts';
import { findUnused } from './slot/unused-slots.ts';

type Asked = Pick<Config, 'name' | 'source' | 'sinks'>;

/** Each question has a session of its own: a person may think for long about whether it is to be removed. */
type Use = <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;

/**
 * What pgveil made on the source: the slots first, since they fill its disk, and the publication. Rejects with `slot_in_use` where the
 * pipeline runs, or somebody reads from one of them.
 */
export async function remainsOnSource({ name: pipeline, source, sinks }: Asked, use: Use): Promise<Left> {
  const { slot: main } = source;
  return await use(async (client) => {
    await requireEnded(client, pipeline);
    const unused = await findUnused(client, { slot: main, sinks: sinks.keys() });
    const remains: Remains[] = [];
    const others: string[] = [];
    for (const name of [main, ...ownSlotNames(main, sinks.keys()).values(), ...unused]) {
      const slot = await inspectSlot(client, name);
      if (!slot) continue;
      const what = `replication slot ${name} on the source`;
      const misfit = await misfitOf(client, slot);
      if (misfit) others.push(`${what} (${misfit})`);
      else if (slot.activePid !== null) throw inUse(name, slot.activePid);
      else remains.push({ what, remove: () => use((later) => dropOurs(later, pipeline, name)) });
    }
    return { remains: [...remains, ...(await publicationOf(source, client, use))], others };
  });
}

/** Nobody reads from a slot while the tables are copied under it: the lock tells that the pipeline runs, wherever that is. */
async function requireEnded(client: pg.Client, pipeline: string): Promise<void> {
  if (!(await isRunning(client, pipeline))) return;
  throw new PgveilError('slot_in_use', `source: an instance of ${pipeline} runs`, { fix: 'Stop it first.' });
}

/** It may have been started since the slot was listed, or somebody may have put another one in its place. */
async function dropOurs(client: pg.Client, pipeline: string, name: string): Promise<void> {
  await requireEnded(client, pipeline);
  if (await findSlot(client, name)) await dropSlot(client, name);
}

async function publicationOf({ url, publication }: Config['source'], client: pg.Client, use: Use): Promise<Remains[]> {
  if (!(await readPublication(client, publication))?.made) return [];
  const remove = () => use((later) => dropPublication(url, later, publication));
  return [{ what: `publication ${publication} on the source`, remove }];
}
