import type { Config } from '../../config/config.ts';
import { ConfigError } from '../../config/error.ts';
import { loadConfig } from '../../config/load.ts';
import type { Finding } from '../core/errors.ts';
import { showAndAsk } from './approve.ts';
import type { Assemble } from './assembly.ts';
import { exitCodeOf, findingsJson, findingsText, gather, listConfigError } from './check/check.ts';
import type { CommonOptions } from './command.ts';
import type { Commands, DropFlags, RunFlags, StatusFlags } from './command-line.ts';
import { askControl, controlPath } from './control.ts';
import { askBeforeDrop, drop, dropExitCode, droppedJson, droppedText } from './drop.ts';
import { LakeCommandSet } from './lake-commands.ts';
import { configuredTable, definitionOf, ordersOf } from './named.ts';
import { run } from './run.ts';
import { showBars, showLines } from './show/display.ts';
import type { Output } from './show/screen.ts';
import { readStatus } from './status/report.ts';
import { statusText } from './status/text.ts';
import { type Verify, verifier } from './verify/command.ts';
import { watchStatus } from './watch/watch.ts';

/** The commands of the command line: what they do, and how they say it. */
export class CommandSet implements Commands {
  readonly lake: LakeCommandSet;
  readonly verify: Verify;
  readonly #assemble: Assemble;
  readonly #output: Output;

  /** Long work that is not watched says on `err` where it is. */
  constructor(assemble: Assemble, output: Output, err: Output) {
    this.lake = new LakeCommandSet(assemble, output, err);
    this.verify = verifier(assemble, output, err);
    this.#assemble = assemble;
    this.#output = output;
  }

  async check({ config, json }: CommonOptions): Promise<number> {
    const findings = await this.#findings(config);
    this.#print(json ? findingsJson(findings) : findingsText(findings));
    return exitCodeOf(findings);
  }

  async run(flags: RunFlags): Promise<number> {
    const { config: file, json, untilCaughtUp = false, timeout } = flags;
    const config = loadConfig(file);
    const forPeople = this.#output.isTTY && !json;
    using display = forPeople
      ? showBars(config.name, config.tables.size, this.#output)
      : showLines(config.name, this.#output);
    const assembly = await this.#assemble(config, () => loadConfig(file));
    return await run(config, assembly, display, {
      untilCaughtUp,
      timeoutMs: timeout,
      orders: ordersOf(flags, config.tables),
    });
  }

  async status({ config: file, json, watch = false }: StatusFlags): Promise<number> {
    const config = loadConfig(file);
    const assembly = await this.#assemble(config, () => config);
    if (watch) return await watchStatus(config, assembly, this.#output, json ?? false);
    const { report, answers } = await readStatus(config, assembly);
    this.#print(json ? JSON.stringify(report, null, 2) : statusText(report));
    return answers ? 0 : 1;
  }

  async recopy(tables: readonly string[], { config: file, json }: CommonOptions): Promise<number> {
    const config = loadConfig(file);
    const asked = tables.map((written) => configuredTable(written, config.tables));
    await askControl(controlPath(config), { recopy: asked, approve: [] });
    this.#print(json ? JSON.stringify({ asked }) : `a new copy is on its way: ${asked.join(', ')}`);
    return 0;
  }

  async approve(definitions: readonly string[], { config: file, json }: CommonOptions): Promise<number> {
    const config = loadConfig(file);
    const path = controlPath(config);
    const approve: { table: string; hash: string }[] = [];
    for (const written of definitions) {
      const { table, hash } = definitionOf(written, config.tables);
      approve.push({ table, hash: hash ?? (await showAndAsk(path, table)) });
    }
    await askControl(path, { recopy: [], approve });
    const approved = approve.map(({ table, hash }) => `${table}@${hash}`);
    this.#print(json ? JSON.stringify({ approved }) : `approved, a new copy is on its way: ${approved.join(', ')}`);
    return 0;
  }

  async drop({ config: file, json, data = false, yes }: DropFlags): Promise<number> {
    const config = loadConfig(file);
    const confirm = yes ? async () => true : askBeforeDrop;
    const dropped = await drop(config, await this.#assemble(config, () => config), { data, confirm });
    this.#print(json ? droppedJson(dropped) : droppedText(dropped));
    return dropExitCode(dropped);
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
    return gather((await this.#assemble(config, () => config)).checks);
  }

  #print(text: string): void {
    this.#output.write(`${text}\n`);
  }
}
