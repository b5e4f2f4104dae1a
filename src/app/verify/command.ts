import { type Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../../../config/load.ts';
import { PgveilError } from '../../core/errors.ts';
import type { Observation } from '../../core/observer.ts';
import type { Assemble } from '../assembly.ts';
import { addCommand, type CommonOptions, type Done, examples, wait } from '../command.ts';
import { configuredTable } from '../named.ts';
import { fit, printable } from '../show/printable.ts';
import { formatBytes, formatCount } from '../show/quantity.ts';
import { Screen, type Terminal } from '../show/screen.ts';
import { verifiedJson, verifiedText } from './report.ts';
import { isEqual, type Verified, verify } from './verify.ts';

export interface VerifyFlags extends CommonOptions {
  /** The sink's name; without it all. */
  readonly sink?: string;
  /** 0 to 1. */
  readonly sample: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Resolves with the exit code. No table named: all. */
export type Verify = (tables: readonly string[], options: VerifyFlags) => Promise<number>;

/** A person has to act. */
const DIFFERS = 3;
/** Long work says where it is, but no more often than this; a terminal shows it all the time. */
const PROGRESS_MS = 2_000;

export function addVerify(program: Command, run: Verify, done: Done): void {
  addCommand(program, 'verify', 'Compare the sinks with the source, row by row, while everything runs')
    .argument('[table...]', 'tables as written in the configuration (default: all)')
    .option('--sink <name>', 'only this sink')
    .addOption(
      new Option('--sample <share>', 'compare only this share of the keys, the same keys each time: 10%')
        .argParser(share)
        .default(1, '100%'),
    )
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for a sink that is behind')
        .argParser(wait)
        .default(60_000, '60s'),
    )
    .addHelpText('after', HELP)
    .action(async (tables, options) => done(await run(tables, options)));
}

const HELP = `
Exit code 3 if a row is missing, extra or different. Keys are named by a
hash: the first 16 hex digits of SHA-256 of source_primary_key as a text.
${examples('pgveil verify', 'pgveil verify public.customer --sink twin', 'pgveil verify --sample 5% --json')}`;

/** `10%`, or without the sign. */
function share(text: string): number {
  const percent = /^\d+(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (percent > 0 && percent <= 100) return percent / 100;
  throw new InvalidArgumentError('Write a share such as 10%.');
}

/** `pgveil verify`: results go to `out`, progress to `err`. */
export function verifier(
  assemble: Assemble,
  out: Pick<Terminal, 'write'>,
  err: Terminal & { readonly isTTY?: boolean },
): Verify {
  return async (written, { config: file, json, sink, sample, timeout }) => {
    const config = loadConfig(file);
    const { sides } = await assemble(config, () => config);
    const asked = written.length > 0 ? written : [...config.tables.keys()];
    const tables = asked.map((name) => configuredTable(name, config.tables));
    const sinks = [...sides.sinks.keys()].filter((name) => sink === undefined || name === sink);
    if (sinks.length === 0) throw new PgveilError('command_line', 'no sink of this name is configured');
    using progress = new VerifyProgress(err);
    const { begun, observe } = progress;
    const all: Verified[] = [];
    for await (const one of verify({ sides, tables, sinks, share: sample, timeoutMs: timeout, begun, observe })) {
      all.push(one);
      progress.clear();
      if (!json) out.write(`${verifiedText(one)}\n`);
    }
    if (json) out.write(`${verifiedJson(all)}\n`);
    return all.every(isEqual) ? 0 : DIFFERS;
  };
}

/** Which table is read, and how much of it was: a line at the bottom of a terminal, and otherwise one now and then. */
class VerifyProgress implements Disposable {
  readonly #err: Terminal;
  readonly #screen: Screen | null;
  #what = '';
  #told = Date.now();

  constructor(err: Terminal & { readonly isTTY?: boolean }) {
    this.#err = err;
    this.#screen = err.isTTY ? new Screen(err) : null;
  }

  readonly begun = (table: string, sink: string): void => {
    this.#what = printable(`${table} in ${sink}`);
  };

  readonly observe = (seen: Observation): void => {
    if (seen.type !== 'copy') return;
    const { rows, bytes, totalBytes } = seen;
    const line = `${this.#what}: ${formatCount(rows)} rows, ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
    if (this.#screen) this.#screen.draw([fit(line, this.#screen.width - 1).trimEnd()]);
    else if (Date.now() - this.#told >= PROGRESS_MS) this.#tell(line);
  };

  clear(): void {
    this.#screen?.draw([]);
  }

  [Symbol.dispose](): void {
    this.#screen?.close();
  }

  #tell(line: string): void {
    this.#told = Date.now();
    this.#err.write(`${line}\n`);
  }
}
