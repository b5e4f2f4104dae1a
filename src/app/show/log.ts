import pino, { type DestinationStream, type Logger } from 'pino';
import type { Observation, SinkAlarm, WalAlarm } from '../../core/observer.ts';
import { fixOf } from '../known-errors.ts';
import { CopyLog } from './copy-log.ts';

/** A table's progress is logged at most so often. */
const COPY_EVERY_MS = 10_000;

/** JSON lines: one for each step, each with `time`, `level`, `name` and `msg`. */
export function createLogger(name: string, destination: DestinationStream): Logger {
  return pino(
    {
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      // An error object would be written with its message and whatever hangs on it. None is ever passed; this makes sure.
      serializers: { err: () => '[error]', error: () => '[error]' },
    },
    destination,
  );
}

/** Turns observations into log lines, each thing once: what is repeated by every reopening is logged when it changes. */
export class Log {
  readonly #logger: Logger;
  readonly #now: () => number;
  /** What was said last about something. */
  readonly #said = new Map<string, string>();
  readonly #copyLoggedAt = new Map<string, number>();
  readonly #copies = new CopyLog();
  /** Of sinks that read by themselves: theirs is another story of the same tables. */
  readonly #own = new Map<string, Log>();

  /** `now` in milliseconds, from any origin. */
  constructor(logger: Logger, now = () => performance.now()) {
    this.#logger = logger;
    this.#now = now;
  }

  observe(seen: Observation): void {
    if (seen.own === undefined) this.#observe(seen);
    else this.#logOf(seen.own).observe({ ...seen, own: undefined });
  }

  #logOf(sink: string): Log {
    const log = this.#own.get(sink) ?? new Log(this.#logger.child({ sink }), this.#now);
    this.#own.set(sink, log);
    return log;
  }

  #observe(seen: Observation): void {
    switch (seen.type) {
      case 'step':
        this.#logger.info(seen.table === undefined ? {} : { table: seen.table }, seen.message);
        break;
      case 'waiting':
        this.#once('waiting', seen.what, () => this.#logger.info(`waiting: ${seen.what}`));
        break;
      case 'trouble':
        this.#trouble(seen);
        break;
      case 'copy due':
        this.#copyDue(seen);
        break;
      case 'copy step':
        this.#logger.info(...this.#copies.line(seen, this.#now()));
        break;
      case 'room':
        this.#logger.info(
          { table: seen.table, room_bytes: seen.bytes },
          'the copy needs about as much room as the content before',
        );
        break;
      case 'copy':
        this.#copy(seen);
        break;
      case 'table':
        this.#table(seen);
        break;
      case 'warning':
        this.#warning(seen);
        break;
      case 'wal alarm':
        this.#alarm(seen, fixOf(seen.code));
        break;
      case 'sink alarm':
        this.#alarm(seen, seen.fix);
        break;
      case 'withheld':
        this.#withheld(seen);
        break;
      case 'repaired':
        this.#repaired(seen);
        break;
    }
  }

  #trouble({
    part,
    code,
    message,
    fix = fixOf(code),
    retryInMs,
  }: Extract<Observation, { readonly type: 'trouble' }>): void {
    this.#said.delete('waiting');
    const fields = { part, code, fix, retry_in_ms: retryInMs };
    if (retryInMs === null) this.#logger.error(fields, message);
    else this.#logger.warn(fields, message);
  }

  #copyDue({ tables }: Extract<Observation, { readonly type: 'copy due' }>): void {
    this.#copies.due({ type: 'copy due', tables });
    for (const table of tables.keys()) this.#copyLoggedAt.delete(table);
    const totalBytes = [...tables.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#logger.info({ tables: tables.size, total_bytes: totalBytes }, 'a copy begins');
  }

  #copy({ table, rows, bytes, totalBytes }: Extract<Observation, { readonly type: 'copy' }>): void {
    const now = this.#now();
    const last = this.#copyLoggedAt.get(table);
    if (last !== undefined && now - last < COPY_EVERY_MS) return;
    this.#copyLoggedAt.set(table, now);
    this.#logger.info({ table, rows, bytes, total_bytes: totalBytes }, 'copying');
  }

  #table(seen: Extract<Observation, { readonly type: 'table' }>): void {
    const { table, generation, state, code, reason } = seen;
    // What a checkpoint's entry says until the copy is finished: nothing that happened.
    if (state === 'absent') return;
    this.#once(`table ${table}`, `${generation} ${state} ${code}`, () => {
      const fields = { table, generation, ...(reason === undefined ? {} : { reason }) };
      if (state !== 'halted' && state !== 'stale') return this.#logger.info(fields, state);
      const why = code ?? state;
      this.#logger.warn({ ...fields, code: why, fix: seen.fix ?? fixOf(why) }, state);
    });
  }

  #warning({ table, code, message, fix }: Extract<Observation, { readonly type: 'warning' }>): void {
    this.#once(`warning ${table} ${code}`, message, () => this.#logger.warn({ table, code, fix }, message));
  }

  #alarm({ code, message, isOver }: WalAlarm | SinkAlarm, fix: string): void {
    if (isOver) this.#logger.info({ code }, `over: ${message}`);
    else this.#logger.warn({ code, fix }, message);
  }

  #withheld({ table, column }: Extract<Observation, { readonly type: 'withheld' }>): void {
    // The first one only: how many there are is in the metrics and the status.
    this.#once(`withheld ${table} ${column}`, '', () =>
      this.#logger.warn({ table, column }, 'a value could not be rewritten and arrives as NULL'),
    );
  }

  #repaired({ table }: Extract<Observation, { readonly type: 'repaired' }>): void {
    this.#once(`repaired ${table}`, '', () =>
      this.#logger.warn({ table }, 'the twin lacked a row that was updated: written whole'),
    );
  }

  #once(subject: string, saying: string, log: () => void): void {
    if (this.#said.get(subject) === saying) return;
    this.#said.set(subject, saying);
    log();
  }
}
