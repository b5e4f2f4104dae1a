import type { Config } from '../../config/config.ts';
import { PgveilError } from '../core/errors.ts';
import type { Orders } from '../core/redactor.ts';
import { canonicalTableName } from '../core/table-name.ts';

type Tables = Config['tables'];

/** What `run` is told to do once. */
export interface OrderFlags {
  /** Tables. */
  readonly recopy?: readonly string[];
  /** TABLE@HASH each. */
  readonly approve?: readonly string[];
  readonly acceptKey?: boolean;
  readonly acceptSource?: boolean;
}

/** The table's one spelling. A name that the configuration does not have is a mistake on the command line. */
export function configuredTable(written: string, tables: Tables): string {
  const name = findTable(written, tables);
  if (name !== null) return name;
  throw new PgveilError('command_line', 'a table is named that is not in the configuration', {
    fix: 'Write it as in `tables`, in quotes for the shell.',
  });
}

/** TABLE or TABLE@HASH: a name may have an @ as well, within its quotes. */
export function definitionOf(written: string, tables: Tables): { table: string; hash: string | null } {
  const whole = findTable(written, tables);
  if (whole !== null) return { table: whole, hash: null };
  const at = written.lastIndexOf('@');
  const table = configuredTable(written.slice(0, Math.max(0, at)), tables);
  return { table, hash: written.slice(at + 1).toLowerCase() };
}

export function ordersOf(flags: OrderFlags, tables: Tables): Orders {
  const { recopy = [], approve = [], acceptKey = false, acceptSource = false } = flags;
  const approved = approve.map((written): [string, string] => {
    const { table, hash } = definitionOf(written, tables);
    if (hash !== null) return [table, hash];
    throw new PgveilError('command_line', 'run --approve needs a definition and not only a table', {
      fix: 'Write TABLE@HASH, as `pgveil status` and `pgveil check` show it.',
    });
  });
  return {
    recopy: new Set(recopy.map((written) => configuredTable(written, tables))),
    approve: new Map(approved),
    acceptKey,
    acceptSource,
  };
}

function findTable(written: string, tables: Tables): string | null {
  return [...tables.keys()].find((one) => one === written || one === canonicalTableName(written)) ?? null;
}
