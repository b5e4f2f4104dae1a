import type pg from 'pg';
import { ERRORS, type ErrorCode, type Finding } from '../../../src/core/errors.ts';
import { ask } from '../session.ts';
import { neverDetached } from './detaching.ts';
import type { Expected } from './expected.ts';
import { areAmongStandbys } from './standby-names.ts';

/** How the server is set up, as it shows its settings; null for what it does not know. */
export interface Settings {
  /** server_version_num. */
  readonly version: number;
  readonly standbyNames: string;
  /** `4h`, `0` for never. Since 18. */
  readonly idleSlotTimeout: string | null;
  /** `1h`, `-1` for never. Up to 16. */
  readonly oldSnapshotThreshold: string | null;
}

/**
 * The first minor versions that tell a transaction under way of what a publication gained meanwhile. Before them a walsender that met with
 * a table when it was not published takes it for that from then on (upstream: “Fix data loss in logical replication”). Measured by
 * test/e2e/added-beside.test.ts: 14.17 and 17.4 lose rows, 14.18 and later ones do not.
 */
const FIRST_SAFE = [140_018, 150_013, 160_009, 170_005];

export function losesPublished(version: number): boolean {
  return FIRST_SAFE.some((safe) => Math.trunc(safe / 10_000) === Math.trunc(version / 10_000) && version < safe);
}

/** What works today but will not always. */
export async function checkHazards(
  client: pg.Client,
  { stream, detaching }: Pick<Expected, 'stream' | 'detaching'>,
): Promise<Finding[]> {
  const { slotsKeep, ...settings } = await readSettings(client);
  return [...hazardsOf(settings, stream ?? null), ...(detaching ? neverDetached(detaching, slotsKeep) : [])];
}

/** `stream`: the application_name of the connection that the WAL comes in on. */
export function hazardsOf(settings: Settings, stream: string | null): Finding[] {
  const { version, standbyNames, idleSlotTimeout, oldSnapshotThreshold } = settings;
  const found: Finding[] = [];
  const add = (code: ErrorCode, object: string, message: string) =>
    found.push({ code, object, message: `source: ${message}`, fix: ERRORS[code].fix });
  if (losesPublished(version)) {
    add('source_outdated', 'source', `PostgreSQL ${written(version)} can lose changes of a table that is added`);
  }
  if (stream !== null && areAmongStandbys(stream, standbyNames)) {
    const message = `synchronous_standby_names has ${standbyNames}, which counts pgveil’s “${stream}” among the standbys`;
    add('sync_standby', 'synchronous_standby_names', message);
  }
  if (idleSlotTimeout !== null && idleSlotTimeout !== '0') {
    const message = `idle_replication_slot_timeout is ${idleSlotTimeout}: a copy that takes longer loses its slot`;
    add('slot_idle_timeout', 'idle_replication_slot_timeout', message);
  }
  if (oldSnapshotThreshold !== null && oldSnapshotThreshold !== '-1') {
    const message = `old_snapshot_threshold is ${oldSnapshotThreshold}: a copy that takes longer may fail`;
    add('snapshot_timeout', 'old_snapshot_threshold', message);
  }
  return found;
}

const written = (version: number) => `${Math.trunc(version / 10_000)}.${version % 10_000}`;

/** `slotsKeep`: `10GB`, `-1` for no limit. */
async function readSettings(client: pg.Client): Promise<Settings & { readonly slotsKeep: string }> {
  const [row] = await ask(
    client,
    `SELECT current_setting('server_version_num') AS version, current_setting('synchronous_standby_names') AS names,
      current_setting('idle_replication_slot_timeout', true) AS idle, current_setting('old_snapshot_threshold', true) AS old,
      current_setting('max_slot_wal_keep_size') AS keep`,
  );
  const { version, names, idle, old, keep } = row!;
  return {
    version: Number(version),
    standbyNames: names!,
    idleSlotTimeout: idle ?? null,
    oldSnapshotThreshold: old ?? null,
    slotsKeep: keep!,
  };
}
