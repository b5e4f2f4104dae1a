import type { ClientBase } from 'pg';
import type { Observe } from '../../../src/core/observer.ts';
import type { Index } from '../../../src/core/table.ts';
import { quoteName, quoteTable } from '../../../src/postgres/quote.ts';
import { fit } from '../names.ts';
import { query } from '../query.ts';
import { copyRefusal } from '../refusal.ts';
import type { TwinTable } from '../twin-table.ts';

/**
 * Builds the key of a filled generation, and the indexes of the source unless switched off. One that cannot be built (the type is
 * text here, the method is an extension's) is left out with a warning. Rejects with `key_collision` where two rows share a key.
 */
export async function buildIndexes(
  client: ClientBase,
  table: TwinTable,
  wanted: boolean,
  observe: Observe,
): Promise<void> {
  const { generation, source } = table;
  try {
    await query(client, `ALTER TABLE ${generation} ADD CONSTRAINT ${keyName(table)} PRIMARY KEY (${table.key.name})`);
  } catch (error) {
    throw copyRefusal(error, source.name);
  }
  const statements = wanted ? source.indexes.map((index) => [index.name, definition(table, index)] as const) : [];
  for (const [name, sql] of [...statements, ...(await ofTheRoot(client, table))]) {
    try {
      await query(client, sql);
    } catch (error) {
      const failure = copyRefusal(error, source.name);
      if (failure.code !== 'twin_refused' && failure.code !== 'key_collision') throw failure;
      const message = `index ${quoteName(name)} cannot be built on the twin: ${failure.message}`;
      observe({
        type: 'warning',
        table: source.name,
        code: 'index_left_out',
        message,
        fix: 'Nothing, if it is not missed.',
      });
    }
  }
  await query(client, `ANALYZE ${generation}`);
}

/** Names of indexes share the schema with all other generations. */
function keyName(table: TwinTable): string {
  return quoteName(fit(table.relation, '_pkey'));
}

function definition(table: TwinTable, index: Index): string {
  const name = quoteName(fit(`${table.relation}_${index.name}`, ''));
  const columns = index.columns.map((column) => table.columns[column]!.name).join(', ');
  return `CREATE INDEX ${name} ON ${table.generation} USING ${quoteName(index.method)} (${columns})`;
}

/**
 * Indexes that people made on the public table, as statements for the generation: a swap would otherwise build them while it keeps
 * everybody out. pg_get_indexdef always qualifies the table, so what stands behind its name is the definition.
 */
async function ofTheRoot(client: ClientBase, table: TwinTable): Promise<(readonly [string, string])[]> {
  const { rows } = await query(
    client,
    `SELECT relname, indisunique,
       substr(pg_get_indexdef(indexrelid), length(format('CREATE %sINDEX %I ON ONLY %s ',
         CASE WHEN indisunique THEN 'UNIQUE ' END, relname, indrelid::regclass)) + 1) AS rest
     FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
     WHERE indrelid = to_regclass($1) AND NOT indisprimary`,
    [quoteTable(table.source)],
  );
  return rows.map(({ relname, indisunique, rest }) => {
    const unique = indisunique === 't' ? 'UNIQUE ' : '';
    const name = quoteName(fit(`${table.relation}_${relname}`, ''));
    return [relname!, `CREATE ${unique}INDEX ${name} ON ${table.generation} ${rest}`] as const;
  });
}
