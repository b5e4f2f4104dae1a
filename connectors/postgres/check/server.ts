import type pg from 'pg';
import { ERRORS, type ErrorCode, type Finding, PgveilError } from '../../../src/core/errors.ts';
import type { Secret } from '../../../src/core/secret.ts';
import { connect } from '../../../src/postgres/connection.ts';
import { quoteName } from '../../../src/postgres/quote.ts';
import { ask, endSession } from '../session.ts';

export interface Server {
  /** server_version_num. */
  readonly version: number;
  readonly standby: boolean;
  readonly walLevel: string;
  readonly encoding: string;
  readonly role: string;
  /** Amazon's servers have a role instead of the attribute. */
  readonly replicationByRole: boolean;
  readonly slots: number;
  readonly maxSlots: number;
  readonly senders: number;
  readonly maxSenders: number;
  readonly slotExists: boolean;
  readonly slotActive: boolean;
}

export async function readServer(client: pg.Client, slot: string): Promise<Server> {
  const [row] = await ask<Record<string, string>>(
    client,
    `SELECT current_setting('server_version_num') AS version, pg_is_in_recovery() AS standby, current_setting('wal_level') AS wal_level,
      getdatabaseencoding() AS encoding, current_user AS role,
      EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication') AS rds,
      (SELECT count(*) FROM pg_replication_slots) AS slots, current_setting('max_replication_slots') AS max_slots,
      (SELECT count(*) FROM pg_stat_replication) AS senders, current_setting('max_wal_senders') AS max_senders,
      EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1) AS slot_exists,
      EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active) AS slot_active`,
    [slot],
  );
  const { version, standby, wal_level, encoding, role, rds, slots, max_slots, senders, max_senders } = row!;
  return {
    version: Number(version),
    standby: standby === 't',
    walLevel: wal_level!,
    encoding: encoding!,
    role: role!,
    replicationByRole: rds === 't',
    slots: Number(slots),
    maxSlots: Number(max_slots),
    senders: Number(senders),
    maxSenders: Number(max_senders),
    slotExists: row!.slot_exists === 't',
    slotActive: row!.slot_active === 't',
  };
}

export async function checkServer(
  { url, failover }: { readonly url: Secret; readonly failover: boolean | null },
  server: Server,
): Promise<Finding[]> {
  const found: Finding[] = [];
  const add = (code: ErrorCode, object: string, message: string) =>
    found.push({ code, object, message: `source: ${message}`, fix: ERRORS[code].fix });
  if (server.version < 140_000) add('source_version', 'source', 'the server is older than PostgreSQL 14');
  if (server.standby) add('source_standby', 'source', 'the server is a standby');
  if (server.walLevel !== 'logical') add('wal_level', 'wal_level', `wal_level is ${server.walLevel}, not logical`);
  if (server.encoding !== 'UTF8')
    add('source_encoding', 'source', `the database is encoded as ${server.encoding}, not UTF8`);
  if (failover && server.version < 170_000)
    add('slot_without_failover', 'source.failover', 'a server older than PostgreSQL 17 has no failover slots');
  found.push(...findSlots(server), ...findSpareSender(server));
  if (server.senders < server.maxSenders) found.push(...(await tryReplication(url, server)));
  // An active slot holds a WAL sender, and a running pipeline gives it back before it takes another.
  else if (!server.slotActive)
    add('no_free_sender', 'max_wal_senders', `all of the ${server.maxSenders} WAL senders are taken`);
  return found;
}

/** One for the pipeline, and one more for as long as a table is copied beside the stream. */
function findSlots({ slots, maxSlots, slotExists }: Server): Finding[] {
  const free = maxSlots - slots - (slotExists ? 0 : 1);
  if (free > 0) return [];
  const code = free < 0 ? 'no_free_slot' : 'no_spare_slot';
  const message =
    free < 0
      ? `all of the ${maxSlots} replication slots are taken`
      : `all of the ${maxSlots} replication slots are taken with the pipeline’s own, and a copy beside the stream needs one more`;
  return [{ code, object: 'max_replication_slots', message: `source: ${message}`, fix: ERRORS[code].fix }];
}

/** Likewise, where there is one for the pipeline. */
function findSpareSender({ senders, maxSenders, slotActive }: Server): Finding[] {
  if (senders >= maxSenders && !slotActive) return [];
  if (maxSenders - senders - (slotActive ? 0 : 1) > 0) return [];
  const { means, fix } = ERRORS.no_spare_sender;
  return [{ code: 'no_spare_sender', object: 'max_wal_senders', message: `source: ${means}`, fix }];
}

/** The attribute, a role that stands in for it, pg_hba.conf, a pooler in between: to open a replication connection asks them all. */
async function tryReplication(url: Secret, { role, replicationByRole }: Server): Promise<Finding[]> {
  try {
    await endSession(await connect({ url, side: 'source', purpose: 'replication', name: 'pgveil check' }));
    return [];
  } catch (error) {
    if (!(error instanceof PgveilError)) throw error;
    const grant = replicationByRole
      ? `GRANT rds_replication TO ${quoteName(role)};`
      : `ALTER ROLE ${quoteName(role)} REPLICATION;`;
    const { code, message } = error;
    return [{ code, object: `role ${quoteName(role)}`, message, fix: code === 'source_rights' ? grant : error.fix }];
  }
}
