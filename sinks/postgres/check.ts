import type { Client, ClientBase } from 'pg';
import { CHECKPOINT_FORMAT } from '../../src/core/checkpoint.ts';
import { ERRORS, type ErrorCode, type Finding, PgveilError } from '../../src/core/errors.ts';
import { quoteName, quoteTable } from '../../src/postgres/quote.ts';
import { query } from './query.ts';
import { connectTwin, type TwinOptions } from './session.ts';

const OLDEST_VERSION = 140000;

/** Which database a server's connection stands in, to tell whether source and twin are one. */
export interface Identity {
  readonly systemIdentifier: string;
  /** pg_postmaster_start_time(): a clone made from a base backup has the system identifier of its original. */
  readonly startedAt: string;
  readonly databaseOid: number;
}

export async function identify(client: ClientBase): Promise<Identity> {
  const { rows } = await query(
    client,
    `SELECT system_identifier, pg_postmaster_start_time() AS started_at, (SELECT oid FROM pg_database WHERE datname = current_database()) AS database_oid
     FROM pg_control_system()`,
  );
  const { system_identifier, started_at, database_oid } = rows[0]!;
  return { systemIdentifier: system_identifier!, startedAt: started_at!, databaseOid: Number(database_oid) };
}

/** Everything on the twin that stands in the way, found without changing anything. */
export async function checkTwin(options: TwinOptions): Promise<Finding[]> {
  let client: Client;
  try {
    client = await connectTwin(options);
  } catch (error) {
    return asFinding(options)(error);
  }
  try {
    const findings: Finding[] = [];
    for (const check of [checkServer, checkRights, checkTargets, checkFormat]) {
      findings.push(...(await check(client, options).catch(asFinding(options))));
    }
    return findings;
  } finally {
    client.end().catch(() => {});
  }
}

/** A check that is itself refused is one more finding, and the others go on. */
function asFinding({ name }: TwinOptions): (error: unknown) => Finding[] {
  return (error) => {
    if (!(error instanceof PgveilError)) throw error;
    return [finding(error.code, `sinks.${name}.url`, error.message)];
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
      finding('twin_rights', 'twin', 'the twin is a standby, which nobody can write to', 'Name its primary.'),
    );
  }
  return findings;
}

/** CREATE on the database, or every schema made beforehand, with the right to create in it. */
async function checkRights(client: Client, { tables }: TwinOptions): Promise<Finding[]> {
  const schemas = new Set(['pgveil', ...[...tables.values()].map(({ schema }) => schema)]);
  const { rows } = await query(
    client,
    `SELECT quote_ident(current_user) AS role, quote_ident(current_database()) AS database, wanted.name AS schema,
       nspname IS NOT NULL AS there,
       coalesce(has_schema_privilege(pg_namespace.oid, 'USAGE') AND has_schema_privilege(pg_namespace.oid, 'CREATE'),
         has_database_privilege(current_database(), 'CREATE')) AS allowed,
       has_database_privilege(current_database(), 'TEMPORARY') AS temporary
     FROM unnest($1::text[]) AS wanted (name) LEFT JOIN pg_namespace ON nspname = wanted.name`,
    [[...schemas]],
  );
  const findings = rows
    .filter(({ allowed }) => allowed !== 't')
    .map(({ role, schema, there }) => {
      const name = quoteName(schema!);
      const message = `${role} may not create ${there === 't' ? 'tables in the schema' : 'the schema'} ${name}`;
      const sql = there === 't' ? `GRANT USAGE, CREATE ON SCHEMA ${name} TO` : `CREATE SCHEMA ${name} AUTHORIZATION`;
      return finding('twin_rights', `schema ${name}`, message, `${sql} ${role};`);
    });
  const { role, database, temporary } = rows[0]!;
  if (temporary !== 't') {
    const message = `${role} may not create temporary tables, which changes pass through`;
    findings.push(
      finding('twin_rights', `database ${database}`, message, `GRANT TEMPORARY ON DATABASE ${database} TO ${role};`),
    );
  }
  return findings;
}

/** Tables under the names of the configured ones that pgveil did not make, or that the role does not own. */
async function checkTargets(client: Client, { tables }: TwinOptions): Promise<Finding[]> {
  const made = (await isThere(client, 'pgveil.generation'))
    ? 'EXISTS (SELECT FROM pgveil.generation WHERE root = pg_class.oid)'
    : 'false';
  const targets = [...tables].map(([name, { schema, name: relation }]) => ({
    name,
    quoted: quoteTable({ schema, relation }),
  }));
  const { rows } = await query(
    client,
    `SELECT number, ${made} AS made, pg_has_role(relowner, 'USAGE') AS owned, quote_ident(current_user) AS role
     FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, number) JOIN pg_class ON oid = to_regclass(wanted.name)`,
    [targets.map(({ quoted }) => quoted)],
  );
  const findings: Finding[] = [];
  for (const { number, made, owned, role } of rows) {
    const { name, quoted } = targets[Number(number) - 1]!;
    if (made !== 't') {
      findings.push(finding('target_exists', name, `the twin has a table ${name} that pgveil did not make`));
    } else if (owned !== 't') {
      const fix = `ALTER TABLE ${quoted} OWNER TO ${role};`;
      findings.push(finding('twin_rights', name, `${role} does not own ${name} on the twin`, fix));
    }
  }
  return findings;
}

async function checkFormat(client: Client, { pipeline }: TwinOptions): Promise<Finding[]> {
  if (!(await isThere(client, 'pgveil.checkpoint'))) return [];
  const { rows } = await query(client, `SELECT format FROM pgveil.checkpoint WHERE pipeline = $1 AND format > $2`, [
    pipeline,
    CHECKPOINT_FORMAT,
  ]);
  return rows.map(({ format }) =>
    finding('newer_checkpoint', pipeline, `the twin's checkpoint of ${pipeline} has format ${format}`),
  );
}

async function isThere(client: Client, relation: string): Promise<boolean> {
  const { rows } = await query(client, 'SELECT to_regclass($1) IS NOT NULL AS there', [relation]);
  return rows[0]!.there === 't';
}

function finding(code: ErrorCode, object: string, message: string, fix: string = ERRORS[code].fix): Finding {
  return { code, object, message, fix };
}
