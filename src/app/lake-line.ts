import { type Command, Option } from 'commander';
import { addCommand, age, type CommonOptions, type Done, examples } from './command.ts';

export interface LakeFlags extends CommonOptions {
  /** The sink's name; without it every lake that is configured. */
  readonly sink?: string;
}

export interface CompactFlags extends LakeFlags {
  readonly latest?: boolean;
}

export interface VacuumFlags extends LakeFlags {
  /** Milliseconds. */
  readonly keep: number;
  /** Milliseconds. */
  readonly eraseAfter?: number;
  readonly dryRun?: boolean;
}

const WEEK_MS = 7 * 86_400_000;

/** What `pgveil lake` does; each resolves with the exit code. No table named: all. */
export interface LakeCommands {
  compact(tables: readonly string[], options: CompactFlags): Promise<number>;
  vacuum(tables: readonly string[], options: VacuumFlags): Promise<number>;
  verify(tables: readonly string[], options: LakeFlags): Promise<number>;
  query(table: string, options: LakeFlags): Promise<number>;
}

export function addLake(program: Command, commands: LakeCommands, done: Done): void {
  const lake = program
    .command('lake')
    .description('Look after the files of a lake, whether pgveil runs or not')
    .addHelpText(
      'after',
      examples('pgveil lake compact', 'pgveil lake vacuum --erase-after 30d', 'pgveil lake verify'),
    );
  addCompact(lake, commands, done);
  addVacuum(lake, commands, done);
  addVerify(lake, commands, done);
  addQuery(lake, commands, done);
}

function addCompact(lake: Command, commands: LakeCommands, done: Done): void {
  addToLake(lake, 'compact', 'Merge small files into files of 128 MB')
    .argument('[table...]', 'tables as written in the configuration (default: all)')
    .option('--latest', 'keep only the latest state of each row; older versions stay as they are until vacuum')
    .addHelpText('after', examples('pgveil lake compact', 'pgveil lake compact public.customer --latest'))
    .action(async (tables, options) => done(await commands.compact(tables, options)));
}

function addVacuum(lake: Command, commands: LakeCommands, done: Done): void {
  addToLake(lake, 'vacuum', 'Remove files that are no longer needed, and erase what is due')
    .argument('[table...]', 'tables as written in the configuration (default: all)')
    .addOption(
      new Option('--keep <duration>', 'how long older versions stay readable').argParser(age).default(WEEK_MS, '7d'),
    )
    .option('--erase-after <duration>', 'remove deleted and overwritten values from all files within this time', age)
    .option('--dry-run', 'only say what would be done')
    .addHelpText('after', VACUUM_HELP)
    .action(async (tables, options) => done(await commands.vacuum(tables, options)));
}

const VACUUM_HELP = `
Run it once a day: what is to be erased is left out of the present version early
enough for the versions before it to be gone in time. A receipt is printed and
kept beside the table, in _receipts.
${examples(
  'pgveil lake vacuum',
  'pgveil lake vacuum --keep 2d --erase-after 30d --json >> receipts',
  'pgveil lake vacuum public.customer --erase-after 30d --dry-run',
)}`;

function addVerify(lake: Command, commands: LakeCommands, done: Done): void {
  addToLake(lake, 'verify', 'Read whole tables and check them against their logs; exit code 3 if they differ')
    .argument('[table...]', 'tables as written in the configuration (default: all)')
    .addHelpText('after', examples('pgveil lake verify', 'pgveil lake verify public.customer --json'))
    .action(async (tables, options) => done(await commands.verify(tables, options)));
}

function addQuery(lake: Command, commands: LakeCommands, done: Done): void {
  addToLake(lake, 'query', 'Print DuckDB’s SQL for the latest state of a table')
    .argument('<table>', 'the table as written in the configuration')
    .addHelpText('after', examples('pgveil lake query public.customer > customer.sql'))
    .action(async (table, options) => done(await commands.query(table, options)));
}

function addToLake(lake: Command, name: string, summary: string): Command {
  return addCommand(lake, name, summary).option('--sink <name>', 'only this lake');
}
