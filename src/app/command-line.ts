import { Command, type CommanderError, Option } from 'commander';
import { PgveilError } from '../core/errors.ts';
import { addCommand, type CommonOptions, type Done, examples, wait } from './command.ts';
import { addLake, type LakeCommands } from './lake-line.ts';
import type { OrderFlags } from './named.ts';
import { addVerify, type Verify } from './verify/command.ts';
import { VERSION } from './version.ts';

export interface RunFlags extends CommonOptions, OrderFlags {
  readonly untilCaughtUp?: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface StatusFlags extends CommonOptions {
  readonly watch?: boolean;
}

export interface DropFlags extends CommonOptions {
  readonly data?: boolean;
  readonly yes?: boolean;
}

/** What the commands do; each resolves with the exit code. */
export interface Commands {
  check(options: CommonOptions): Promise<number>;
  run(options: RunFlags): Promise<number>;
  status(options: StatusFlags): Promise<number>;
  recopy(tables: readonly string[], options: CommonOptions): Promise<number>;
  approve(definitions: readonly string[], options: CommonOptions): Promise<number>;
  drop(options: DropFlags): Promise<number>;
  readonly verify: Verify;
  readonly lake: LakeCommands;
}

/** Promised for later, and refused by name until then. */
const PLANNED_COMMANDS = ['init', 'scan', 'audit'];

const EXIT_CODES = `
Exit codes:
  0  done
  1  failed, may work later
  2  the configuration or the command line is wrong
  3  a person has to act`;

/** The command line. Parsing rejects with a CommanderError, or with what the command rejects with; it never exits. */
export function createProgram(commands: Commands, print: (text: string) => void, done: Done): Command {
  const program = new Command('pgveil')
    .description('A live, redacted copy of a production Postgres.')
    .version(VERSION)
    .addHelpText('after', `${examples('pgveil check', 'pgveil run -c shop.yaml')}\n${EXIT_CODES}`)
    .exitOverride()
    // Errors are printed by whoever called: in the same form as all others.
    .configureOutput({ writeOut: print, writeErr: () => {}, outputError: () => {} });
  addCheck(program, commands, done);
  addRun(program, commands, done);
  addStatus(program, commands, done);
  addRecopy(program, commands, done);
  addApprove(program, commands, done);
  addVerify(program, commands.verify, done);
  addDrop(program, commands, done);
  addLake(program, commands.lake, done);
  for (const name of PLANNED_COMMANDS) addPlanned(program, name);
  return program;
}

/** A mistake on the command line, as an error of ours, with the help of the command that it was made in. */
export function commandLineError(error: CommanderError, program: Command, argv: readonly string[]): PgveilError {
  const fix = `See \`${namedBy(program, argv).join(' ')} --help\`.`;
  return new PgveilError('command_line', toldOf(error), { fix });
}

/** What was typed is repeated only where it cannot be a secret. The name of an argument that is missing was not typed. */
function toldOf({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'no command was given';
  const isNamed = code === 'commander.missingArgument';
  return message
    .replace(/^error: /, '')
    .replace(/ but got \d+:.*$/s, '')
    .replace(/'([^']*)'/g, (_, word: string) => (isNamed ? word : isHarmless(word) ? word.split('=')[0]! : '…'));
}

/** The program and its commands, from the outside in, as far as the command line names them. */
function namedBy(command: Command, [word, ...rest]: readonly string[]): string[] {
  const inner = command.commands.find((one) => one.name() === word);
  return [command.name(), ...(inner ? namedBy(inner, rest) : [])];
}

function addCheck(program: Command, commands: Commands, done: Done): void {
  addCommand(program, 'check', 'List all that stands in the way, each with its fix; change nothing')
    .addHelpText('after', examples('pgveil check', 'pgveil check -c shop.yaml --json'))
    .action(async (options) => done(await commands.check(options)));
}

function addRun(program: Command, commands: Commands, done: Done): void {
  addCommand(program, 'run', 'Copy what is due, then stream until a signal', 'log as JSON lines, at a terminal as well')
    .option('--until-caught-up', 'end once everything committed on the source by now is durable in every sink')
    .addOption(
      new Option('--timeout <duration>', 'how long --until-caught-up waits for what is away')
        .argParser(wait)
        .default(60_000, '60s'),
    )
    .option('--recopy <table...>', 'copy these tables again, once')
    .option('--approve <table@hash...>', 'approve these definitions, once: see approve')
    .option('--accept-key', 'the redaction key was changed on purpose: copy everything again')
    .option('--accept-source', 'the source is another one, or was restored: copy everything from it')
    .addHelpText('after', RUN_HELP)
    .action(async (options) => done(await commands.run(options)));
}

const RUN_HELP = `
--recopy and --approve are recorded with the data: left in a service file they
do nothing at the next start. Remove --accept-key and --accept-source after that
start: they would accept a mistyped key or a wrong server later on as well.
${examples(
  'pgveil run',
  'pgveil run --until-caught-up --timeout 5min',
  'pgveil run --json > log',
  'pgveil run --recopy public.customer',
  'pgveil run --approve public.customer@3f2a91c07b5d4e68',
  'pgveil run --accept-key',
)}`;

function addStatus(program: Command, commands: Commands, done: Done): void {
  addCommand(program, 'status', 'Show tables, sinks and slot, whether pgveil runs or not')
    .option('--watch', 'fill the terminal with it and look again every second; with --json, a line a second')
    .addHelpText('after', STATUS_HELP)
    .action(async (options) => done(await commands.status(options)));
}

const STATUS_HELP = `
The exit code is 0 whatever state it shows, and 1 where nothing answers. For a
test of health ask /ready.
${examples(
  'pgveil status',
  'pgveil status --watch',
  'pgveil status --json | jq .position',
  'pgveil status --watch --json | jq .slot.seconds_left',
)}`;

function addRecopy(program: Command, commands: Commands, done: Done): void {
  addCommand(program, 'recopy', 'Have the running process copy tables again while the others stream')
    .argument('<table...>', 'tables as written in the configuration')
    .addHelpText('after', examples('pgveil recopy public.customer', `pgveil recopy 'public."Order Items"' public.shop`))
    .action(async (tables, options) => done(await commands.recopy(tables, options)));
}

function addApprove(program: Command, commands: Commands, done: Done): void {
  addCommand(program, 'approve', 'Apply decisions to the current names of columns and tables')
    .argument('<table@hash...>', 'as the halt shows it; at a terminal the table alone is enough')
    .addHelpText(
      'after',
      `
After columns or tables have swapped names, nothing of them leaves until you say
that the configuration means what its names stand for now. The hash is of one
definition: if that changes once more, it has to be approved again.
${examples('pgveil approve public.customer@3f2a91c07b5d4e68', 'pgveil approve public.customer')}`,
    )
    .action(async (definitions, options) => done(await commands.approve(definitions, options)));
}

function addDrop(program: Command, commands: Commands, done: Done): void {
  addCommand(program, 'drop', 'Remove the slots and the publication that pgveil made; asks first')
    .option('--data', 'also remove what it made in the sinks: tables, files, topics, checkpoints')
    .option('--yes', 'do not ask')
    .addHelpText('after', DROP_HELP)
    .action(async (options) => done(await commands.drop(options)));
}

const DROP_HELP = `
Stop the service first. The next start finds no slot and copies everything (with
on_gap: halt it refuses). Without --data the sinks keep what they hold; with it
their tables, files and topics are deleted for good. What pgveil did not make
stays.
${examples('pgveil drop', 'pgveil drop --data', 'pgveil drop --data --yes')}`;

function addPlanned(program: Command, name: string): void {
  program
    .command(name, { hidden: true })
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => refuse(name));
}

function refuse(what: string): never {
  throw new PgveilError('not_built_yet', `${what}: not built yet`, { fix: 'See `pgveil --help` for what is.' });
}

/** A flag, or a short word: a key or a URL is neither. */
function isHarmless(typed: string): boolean {
  return /^--?[a-z][\w-]*( <\w+>)?(=.*)?$/is.test(typed) || /^[\w-]{1,20}$/.test(typed);
}
