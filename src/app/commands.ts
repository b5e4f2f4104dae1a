import type { Config } from '../../config/config.ts';
import { ConfigError } from '../../config/error.ts';
import { loadConfig } from '../../config/load.ts';
import { type Finding, PgveilError } from '../core/errors.ts';
import { formatTableName, parseTableName } from '../core/table-name.ts';
import type { Assemble } from './assembly.ts';
import { exitCodeOf, findingsJson, findingsText, gather, listConfigError } from './check.ts';
import type { Commands, CommonOptions, DropFlags, RunFlags } from './command-line.ts';
import { askControl, controlPath } from './control.ts';
import { showBars, showLines } from './display.ts';
import { askAtTerminal, drop } from './drop.ts';
import { run } from './run.ts';
import type { Terminal } from './screen.ts';
import { readStatus, statusText } from './status.ts';

/** Where results go: standard output, or what stands in for it. */
export interface Output extends Terminal {
  readonly isTTY?: boolean;
}

/** The commands of the command line: what they do, and how they say it. */
export class CommandSet implements Commands {
  readonly #assemble: Assemble;
  readonly #output: Output;

  constructor(assemble: Assemble, output: Output) {
    this.#assemble = assemble;
    this.#output = output;
  }

  async check({ config, json }: CommonOptions): Promise<number> {
    const findings = await this.#findings(config);
    this.#print(json ? findingsJson(findings) : findingsText(findings));
    return exitCodeOf(findings);
  }

  async run({ config: file, json, untilCaughtUp = false, timeout }: RunFlags): Promise<number> {
    const config = loadConfig(file);
    const forPeople = this.#output.isTTY && !json;
    using display = forPeople
      ? showBars(config.name, config.tables.size, this.#output)
      : showLines(config.name, this.#output);
    const assembly = this.#assemble(config, () => loadConfig(file));
    return await run(config, assembly, display, { untilCaughtUp, timeoutMs: timeout });
  }

  async status({ config: file, json }: CommonOptions): Promise<number> {
    const config = loadConfig(file);
    const report = await readStatus(
      config,
      this.#assemble(config, () => config),
    );
    this.#print(json ? JSON.stringify(report, null, 2) : statusText(report));
    return 0;
  }

  async recopy(tables: readonly string[], { config: file, json }: CommonOptions): Promise<number> {
    const config = loadConfig(file);
    const asked = tables.map((written) => configuredTable(written, config.tables));
    await askControl(controlPath(config), { recopy: asked });
    this.#print(json ? JSON.stringify({ asked }) : `asked for a new copy of ${asked.join(', ')}`);
    return 0;
  }

  async drop({ config: file, json, data = false, yes }: DropFlags): Promise<number> {
    const config = loadConfig(file);
    const confirm = yes ? async () => true : askAtTerminal;
    const removed = await drop(
      config,
      this.#assemble(config, () => config),
      { data, confirm },
    );
    if (json) this.#print(JSON.stringify({ removed: removed ?? [] }));
    else this.#print(removed === null ? 'nothing was removed' : removedText(removed));
    return 0;
  }

  /** All of a configuration that can be read; what is wrong with it where it cannot. */
  async #findings(file: string): Promise<Finding[]> {
    let config: Config;
    try {
      config = loadConfig(file);
    } catch (error) {
      if (error instanceof ConfigError) return listConfigError(error);
      throw error;
    }
    return gather(this.#assemble(config, () => config).checks);
  }

  #print(text: string): void {
    this.#output.write(`${text}\n`);
  }
}

function removedText(removed: readonly string[]): string {
  return removed.length === 0 ? 'there was nothing to remove' : removed.map((what) => `removed ${what}`).join('\n');
}

/** The table's one spelling. A name that the configuration does not have is a mistake on the command line. */
function configuredTable(written: string, tables: Config['tables']): string {
  const name = [...tables.keys()].find((one) => one === written || one === canonical(written));
  if (name) return name;
  throw new PgveilError('command_line', 'a table is named that the configuration does not have', {
    fix: 'Write it as in `tables`, in quotes for the shell.',
  });
}

function canonical(written: string): string | null {
  try {
    return formatTableName(parseTableName(written));
  } catch {
    return null;
  }
}
