import type { Client } from 'pg';
import { type Finding, PgveilError } from '../../../src/core/errors.ts';
import { formatTableName } from '../../../src/core/table-name.ts';
import { readCheckpoint } from '../checkpoint.ts';
import { query } from '../query.ts';
import { type TwinOptions, withTwin } from '../session.ts';
import { finding } from './finding.ts';
import { checkOwners, checkSchemas } from './rights.ts';

const OLDEST_VERSION = 140000;

/** Everything on the twin that stands in the way, found without changing anything. */
export async function checkTwin(options: TwinOptions): Promise<Finding[]> {
  return await withTwin(options, async (client) => {
    const findings: Finding[] = [];
    for (const check of [checkServer, checkSchemas, checkOwners, checkTargets, checkCheckpoint]) {
      findings.push(...(await check(client, options).catch(asFinding(options))));
    }
    return findings;
  }).catch(asFinding(options));
}

/** A check that is itself refused is one more finding, and the others go on. */
function asFinding({ name }: TwinOptions): (error: unknown) => Finding[] {
  return (error) => {
    if (!(error instanceof PgveilError)) throw error;
    return [finding(error.code, `sinks.${name}.url`, error.message, error.fix)];
  };
}

async function checkServer(client: Client): Promise<Finding[]> {
  const { rows } = await query(
    client,
    `SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS version,
       current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby`,
  );
  const { number, version, encoding, standby } = rows[0]!;
  const findings: Finding[] = [];
  if (Number(number) < OLDEST_VERSION)
    findings.push(finding('source_version', 'twin', `the twin is PostgreSQL ${version}`));
  if (encoding !== 'UTF8')
    findings.push(finding('twin_encoding', 'twin', `the twin database is encoded as ${encoding}`));
  if (standby === 't') {
    findings.push(
      finding('twin_rights', 'twin', 'the twin is a standby, which cannot be written to', 'Name its primary.'),
    );
  }
  return findings;
}

/** Tables under the names of the configured ones that this pipeline did not make, or that the role does not own. */
async function checkTargets(client: Client, { pipeline, tables }: TwinOptions): Promise<Finding[]> {
  const made = (await mayRead(client, 'generation'))
    ? 'EXISTS (SELECT FROM pgveil.generation WHERE root = pg_class.oid AND pipeline = $3)'
    : '$3::text IS NULL';
  const targets = [...tables.values()];
  const { rows } = await query(
    client,
    `SELECT number, ${made} AS made, pg_has_role(relowner, 'USAGE') AS owned, quote_ident(current_user) AS role
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema, name, number)
     JOIN pg_namespace ON nspname = wanted.schema JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = wanted.name`,
    [targets.map(({ schema }) => schema), targets.map(({ relation }) => relation), pipeline],
  );
  const findings: Finding[] = [];
  for (const { number, made, owned, role } of rows) {
    const target = targets[Number(number) - 1]!;
    const name = formatTableName(target);
    if (made !== 't') {
      findings.push(finding('target_exists', name, `the twin has a table ${name} that this pipeline did not make`));
    } else if (owned !== 't') {
      const fix = `ALTER TABLE ${name} OWNER TO ${role};`;
      findings.push(finding('twin_rights', name, `${role} does not own ${name} on the twin`, fix));
    }
  }
  return findings;
}

/** That it can be read. */
async function checkCheckpoint(client: Client, { pipeline }: TwinOptions): Promise<Finding[]> {
  if (!(await mayRead(client, 'checkpoint')) || !(await mayRead(client, 'table_entry'))) return [];
  try {
    await readCheckpoint(client, pipeline);
    return [];
  } catch (error) {
    if (!(error instanceof PgveilError)) throw error;
    return [finding(error.code, pipeline, error.message, error.fix)];
  }
}

/** Whether pgveil's own table is there and open to the role; where it is there and not open, `checkOwners` says so. */
async function mayRead(client: Client, table: string): Promise<boolean> {
  const { rowCount } = await query(
    client,
    `SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 'pgveil' AND relname = $1
       AND has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(pg_class.oid, 'SELECT')`,
    [table],
  );
  return rowCount === 1;
}
