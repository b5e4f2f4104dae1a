import type { Checkpoint } from '../../src/core/checkpoint.ts';
import { readCheckpoint } from './checkpoint.ts';
import { type TwinOptions, withTwin } from './session.ts';

/** What is durable, without taking anything over; null where nothing is. Rejects with `newer_checkpoint` or `checkpoint_damaged`. */
export async function storedCheckpoint(options: TwinOptions): Promise<Checkpoint | null> {
  return await withTwin(options, (client) => readCheckpoint(client, options.pipeline));
}
