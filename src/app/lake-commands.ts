import { loadConfig } from '../../config/load.ts';
import type { Caretaker, Tidied } from '../../sinks/lake/care/caretaker.ts';
import type { Receipt } from '../../sinks/lake/care/vacuum.ts';
import type { Verified } from '../../sinks/lake/care/verify.ts';
import { ofSink, PgveilError } from '../core/errors.ts';
import type { Assemble } from './assembly.ts';
import type { CompactFlags, LakeCommands, LakeFlags, VacuumFlags } from './lake-line.ts';
import { formatBytes } from './show/quantity.ts';
import type { Terminal } from './show/screen.ts';

/** A person has to act. */
const DIFFERS = 3;
/** Long work says where it is, but no more often than this. */
const PROGRESS_MS = 2_000;

/** What of a result is printed to people. */
type Text<T> = (result: T) => string;

/** In JSON each result says which lake it is of. */
interface Where {
  readonly sink: string;
}

/** `pgveil lake …`: results go to `out`, progress to `err`. */
export class LakeCommandSet implements LakeCommands {
  readonly #assemble: Assemble;
  readonly #out: Pick<Terminal, 'write'>;
  readonly #err: Pick<Terminal, 'write'>;
  #told = Date.now();

  constructor(assemble: Assemble, out: Pick<Terminal, 'write'>, err: Pick<Terminal, 'write'>) {
    this.#assemble = assemble;
    this.#out = out;
    this.#err = err;
  }

  async compact(tables: readonly string[], flags: CompactFlags): Promise<number> {
    const { latest = false } = flags;
    await this.#inEach(flags, (lake) => lake.compact(tables, latest, this.#progress), compactText);
    return 0;
  }

  async vacuum(tables: readonly string[], flags: VacuumFlags): Promise<number> {
    const { keep: keepMs, eraseAfter: eraseMs = null, dryRun = false } = flags;
    const options = { keepMs, eraseMs, dryRun, now: Date.now() };
    await this.#inEach(flags, (lake) => lake.vacuum(tables, options, this.#progress), receiptText);
    return 0;
  }

  async verify(tables: readonly string[], flags: LakeFlags): Promise<number> {
    const found = await this.#inEach(flags, (lake) => lake.verify(tables, this.#progress), verifiedText);
    return found.some(({ problems }) => problems.length > 0) ? DIFFERS : 0;
  }

  async query(table: string, flags: LakeFlags): Promise<number> {
    for (const [, lake] of await this.#lakes(flags)) {
      const sql = `${await lake.query(table)};`;
      this.#print(flags.json ? JSON.stringify({ sql }) : sql);
    }
    return 0;
  }

  /** Does it in one lake after another, prints what came of it, and returns that. */
  async #inEach<T>(flags: LakeFlags, work: (lake: Caretaker) => Promise<T[]>, text: Text<T>): Promise<(T & Where)[]> {
    const tables: (T & Where)[] = [];
    for (const [sink, lake] of await this.#lakes(flags)) {
      const results = await work(lake).catch((error) => {
        throw ofSink(sink, error);
      });
      tables.push(...results.map((result) => ({ sink, ...result })));
    }
    if (flags.json) this.#print(JSON.stringify({ tables }, null, 2));
    else this.#print(tables.length === 0 ? 'the lake has no tables yet' : tables.map(text).join('\n'));
    return tables;
  }

  async #lakes({ config: file, sink }: LakeFlags): Promise<readonly (readonly [string, Caretaker])[]> {
    const config = loadConfig(file);
    const { caretakers } = await this.#assemble(config, () => config);
    const lakes = [...caretakers].filter(([name]) => sink === undefined || name === sink);
    if (lakes.length > 0) return lakes;
    const message = sink === undefined ? 'no lake is configured' : 'no lake of this name is configured';
    throw new PgveilError('command_line', message, { fix: 'Name a sink of `type: lake`.' });
  }

  readonly #progress = (what: string) => {
    const now = Date.now();
    if (now - this.#told < PROGRESS_MS) return;
    this.#told = now;
    this.#err.write(`${what}\n`);
  };

  #print(text: string): void {
    this.#out.write(`${text}\n`);
  }
}

function compactText({ table, filesBefore, filesAfter, bytesRead, bytesWritten, folded }: Tidied): string {
  const left = folded && folded.dropped > 0 ? `, ${folded.dropped} superseded rows dropped` : '';
  if (bytesRead === 0) return `${table}: ${counted(filesAfter, 'file')}, nothing to merge${left}`;
  const sizes = `${formatBytes(bytesRead)} became ${formatBytes(bytesWritten)}`;
  return `${table}: ${counted(filesBefore, 'file')} became ${filesAfter} (${sizes})${left}`;
}

function receiptText({ table, dryRun, erased, removed, restDue }: Receipt): string {
  const would = dryRun ? 'would be ' : '';
  const lines = [
    `${table}: ${counted(removed.files + removed.orphans, 'file')} ${would}removed (${formatBytes(removed.bytes)}), ${removed.logEntries} entries of the log`,
  ];
  if (erased) {
    const { rows, keys, before, filesRewritten } = erased;
    lines.push(
      `  ${would}erased up to ${before}: ${counted(keys, 'key')}, ${counted(rows, 'row')} in ${counted(filesRewritten, 'file')}`,
    );
  }
  if (restDue) lines.push(`  older versions need files until ${restDue}: the next vacuum after that removes them`);
  return lines.join('\n');
}

function verifiedText({ table, files, rows, problems }: Verified): string {
  if (problems.length === 0) return `${table}: ${counted(files, 'file')}, ${counted(rows, 'row')}, all right`;
  return [`${table}:`, ...problems.map(({ about, message }) => `  ${about}: ${message}`)].join('\n');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
