import type pg from 'pg';
import { type Finding, PgveilError } from '../../../src/core/errors.ts';
import { readCatalog } from '../catalog/catalog.ts';
import type { Reading } from '../catalog/reading.ts';
import { endSession, openReader } from '../session.ts';
import type { Expected } from './expected.ts';
import { checkFooting } from './footing.ts';
import { checkHazards } from './hazards.ts';
import { checkPublication } from './publication.ts';
import { checkServer, readServer } from './server.ts';
import { checkTables } from './tables.ts';

/** What somebody else finds in the tables as they were read. */
export type Judge = (reading: Reading) => Promise<readonly Finding[]>;

/**
 * Everything about the source that stands in the way, all at once, and what `judge` says of its tables. Changes nothing. Never rejects
 * for what it can say as a finding.
 */
export async function checkSource(expected: Expected, judge: Judge = async () => []): Promise<Finding[]> {
  try {
    const client = await openReader(expected.url, 'pgveil check');
    try {
      return await findings(client, expected, judge);
    } finally {
      await endSession(client);
    }
  } catch (error) {
    return [asFinding(error)];
  }
}

async function findings(client: pg.Client, expected: Expected, judge: Judge): Promise<Finding[]> {
  const server = await readServer(client, expected.slot);
  const found = await checkServer(expected, server);
  // What follows asks for things that an older server or a standby does not have.
  if (found.some(({ code }) => code === 'source_version' || code === 'source_standby')) return found;
  found.push(...(await checkFooting(client, expected)));
  found.push(...(await checkHazards(client, expected)));
  const reading = await readCatalog(client, expected.tables);
  found.push(...(await checkTables(client, reading, server.role, expected)));
  found.push(...(await checkPublication(client, expected.publication, reading)));
  return [...found, ...(await judge(reading))];
}

export function asFinding(error: unknown): Finding {
  if (!(error instanceof PgveilError)) throw error;
  return { code: error.code, object: 'source', message: error.message, fix: error.fix };
}
