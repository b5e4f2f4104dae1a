import { ERRORS, type ErrorCode, type Finding, PgveilError } from '../../src/core/errors.ts';
import { OWN_FOLDER, storedCheckpoint } from './claim.ts';
import type { Storage } from './storage/storage.ts';

/** Everything that stands in the way of a lake. `name`: of the sink. Leaves nothing behind. */
export async function checkLake(storage: Storage, name: string): Promise<Finding[]> {
  const finding = (code: ErrorCode, message: string, fix: string = ERRORS[code].fix): Finding => {
    return { code, object: `sinks.${name}.url`, message, fix };
  };
  try {
    const missing = await storage.probe();
    if (missing !== null) return [finding('lake_unfit', missing)];
    const stranger = (await storedCheckpoint(storage)) ? null : await firstStranger(storage);
    if (stranger === null) return [];
    return [finding('target_exists', 'the place of the lake holds something that pgveil did not make')];
  } catch (error) {
    if (!(error instanceof PgveilError)) throw error;
    return [finding(error.code, error.message, error.fix)];
  }
}

/** Without a checkpoint nothing can be ours but what an instance left that died in its first moments. */
async function firstStranger(storage: Storage): Promise<string | null> {
  for await (const { name } of storage.list('')) if (!name.startsWith(OWN_FOLDER)) return name;
  return null;
}
