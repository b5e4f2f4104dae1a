import type { TableEvent } from '../../../src/core/batch.ts';
import { ASKED_FOR, isBound, type TableEntry, type TableState } from '../../../src/core/checkpoint.ts';
import type { PgveilError } from '../../../src/core/errors.ts';

/** Halts that the sink or a value was the cause of: another look at the catalog tells nothing about them. */
const NEEDS_A_PERSON = new Set([
  'rule_failed',
  'key_collision',
  'row_missing',
  'twin_refused',
  'lake_refused',
  'swap_blocked',
  'too_wide',
  'reserved_column',
  'message_too_large',
  'topic_unfit',
  'schema_refused',
]);

/** The first copy of a quarter of an hour begins at once; before each further one of a table the wait doubles. */
const FIRST_WAIT_MS = 1000;
const MEMORY_MS = 15 * 60_000;

/** A disk does not get emptier by being filled again and again: such a copy waits as long as any may have to. */
const FULL = 'twin_full';

/** So often in a row a copy may fail to begin before nobody waits for it any more: who was killed lets go of its slot within seconds. */
const MOST_OBSTRUCTIONS = 4;

/** The brake on definitions that change all the time, and on copies that fail. */
export interface Retry {
  /** The longest wait, in milliseconds. */
  readonly longestMs: number;
  /** When copies began, by table: kept by whoever outlives this one, or a failure of something else would end the wait. */
  readonly began: Map<string, readonly number[]>;
}

const WHATEVER_IS_SEEN = '';
const ASKED: TableState = { state: 'stale', since: 0n, reason: ASKED_FOR };

/** What is known of a table that does not stream. */
interface Account {
  state: TableState;
  /** Of the last copy that began. */
  generation: number;
  isCopying: boolean;
  /** Whether a copy ever came to its end. */
  wasCopied: boolean;
  /** What the present copy came to nothing by. */
  failure: string | null;
  /** What the catalog said of it last, and the last that must not be copied. Equal ones say the same. */
  seen: string | null;
  refused: string | null;
  /** What had been seen when a copy ended in a halt. Rights or a disk may be mended, so it is tried again; nobody waits for that. */
  failedAs: string | null;
  /** Copies in a row that could not begin, for what only a person can mend. */
  obstructions: number;
}

/** Which tables are to be copied anew, and when. Pure: it is told what happens, and times in ms of a monotonic clock. */
export class Due {
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #retry: Retry;

  constructor(names: Iterable<string>, entries: ReadonlyMap<string, TableEntry>, retry: Retry) {
    this.#retry = retry;
    this.#accounts = new Map(Array.from(names, (name) => [name, accountOf(entries.get(name))]));
  }

  /** What was said of a table, to whoever reads. */
  note(event: TableEvent<'raw'>): void {
    const name = 'name' in event ? event.name : event.table.name;
    const account = this.#accounts.get(name);
    if (!account) return;
    if (event.type === 'ordered') this.#force(name, account);
    if (event.type === 'defined') account.generation = Math.max(account.generation, event.generation);
    if (event.type === 'copy started') Object.assign(account, { isCopying: true, obstructions: 0 });
    if (event.type !== 'stopped' && event.type !== 'copy finished') return;
    const hasHalted = event.type === 'stopped' && event.state.state === 'halted' && account.isCopying;
    // Where the copy failed for something else, the halt is the one from before.
    if (hasHalted && account.failure === null) account.failedAs = account.seen;
    account.state = event.type === 'stopped' ? event.state : { state: 'streaming' };
    account.wasCopied ||= event.type === 'copy finished';
    account.isCopying = false;
    account.failure = null;
  }

  /** Tables that may be due: what the catalog says of them decides. */
  candidates(now: number): string[] {
    return [...this.#accounts]
      .filter(([, { state, isCopying }]) => state.state !== 'streaming' && !isCopying)
      .filter(([name]) => this.#dueAt(name, now) <= now)
      .map(([name]) => name);
  }

  /**
   * Whether a copy is under way, or will begin without anybody’s help. Not what was tried already and is tried again: nobody knows when
   * somebody grants rights, frees a slot or makes room on a disk.
   */
  get isPending(): boolean {
    return [...this.#accounts.values()].some((account) => {
      const { state, isCopying, refused, seen, failedAs, obstructions } = account;
      if (state.state === 'streaming') return isCopying;
      if ((seen !== null && seen === failedAs) || obstructions >= MOST_OBSTRUCTIONS) return false;
      return isCopying || seen === null || (refused !== seen && !isFull(state));
    });
  }

  stateOf(name: string): TableState {
    return this.#accounts.get(name)!.state;
  }

  /** Of the copy that began last. */
  generationOf(name: string): number {
    return this.#accounts.get(name)!.generation;
  }

  wasCopied(name: string): boolean {
    return this.#accounts.get(name)!.wasCopied;
  }

  isCopying(name: string): boolean {
    return this.#accounts.get(name)!.isCopying;
  }

  /** The present copy of it comes to nothing, and why. */
  failed(name: string, why: string): void {
    this.#accounts.get(name)!.failure ??= why;
  }

  /** The same, by what a sink said: the table is halted for that when the copy is over. What needs a person would end the same way again. */
  refused(name: string, { code, message }: PgveilError): void {
    this.failed(name, message);
    const account = this.#accounts.get(name)!;
    Object.assign(account, { state: { state: 'halted', code }, failedAs: account.seen });
    if (this.needsPerson(name)) this.refuse(name);
  }

  /**
   * A copy of these has failed because it cannot begin, for what only a person can fix. That does not count while another one goes on, which
   * may have what there is only one of.
   */
  obstructed(names: readonly string[]): void {
    const goesOn = ({ isCopying, failure, obstructions }: Account) =>
      isCopying && failure === null && obstructions === 0;
    if ([...this.#accounts].some(([name, account]) => goesOn(account) && !names.includes(name))) return;
    for (const name of names) this.#accounts.get(name)!.obstructions++;
  }

  /** What is said of a table that does not stream, to those who write it. */
  stopped(name: string): TableEvent<'raw'> {
    return { type: 'stopped', name, oid: 0, state: this.stateOf(name), definition: null };
  }

  failureOf(name: string): string | null {
    return this.#accounts.get(name)!.failure;
  }

  needsPerson(name: string): boolean {
    const { state } = this.#accounts.get(name)!;
    return state.state === 'halted' && NEEDS_A_PERSON.has(state.code);
  }

  /** What the catalog says of it. False where that must not be copied. */
  see(name: string, definition: string): boolean {
    const account = this.#accounts.get(name)!;
    account.seen = definition;
    if (account.refused === WHATEVER_IS_SEEN) account.refused = definition;
    return account.refused !== definition;
  }

  /** What was seen last must not be copied; where nothing was, what is seen next. */
  refuse(name: string): void {
    const account = this.#accounts.get(name)!;
    account.refused = account.seen ?? WHATEVER_IS_SEEN;
  }

  /** A person wants it copied: whatever was against that does not count any more. */
  #force(name: string, account: Account): void {
    account.seen = account.refused = account.failedAs = null;
    account.obstructions = 0;
    this.#retry.began.delete(name);
    if (account.state.state === 'halted' && !account.isCopying) account.state = ASKED;
  }

  begin(name: string, now: number): void {
    const account = this.#accounts.get(name)!;
    account.generation++;
    account.isCopying = true;
    account.failure = null;
    this.#retry.began.set(name, [...this.#recent(name, now), now]);
  }

  #recent(name: string, now: number): readonly number[] {
    return (this.#retry.began.get(name) ?? []).filter((at) => now - at < MEMORY_MS);
  }

  #dueAt(name: string, now: number): number {
    const recent = this.#recent(name, now);
    const last = recent.at(-1);
    if (last === undefined) return now;
    const { state } = this.#accounts.get(name)!;
    const { longestMs } = this.#retry;
    return last + (isFull(state) ? longestMs : Math.min(FIRST_WAIT_MS * 2 ** (recent.length - 1), longestMs));
  }
}

/** Why a table in this state does not stream, in words. */
export function reasonOf(state: TableState): string {
  if (state.state === 'stale') return state.reason;
  return state.state === 'halted' ? state.code : 'it was never copied to its end';
}

function isFull(state: TableState): boolean {
  return state.state === 'halted' && state.code === FULL;
}

function accountOf(entry: TableEntry | undefined): Account {
  const state = entry?.state ?? ({ state: 'absent' } as const);
  const generation = entry?.generation ?? 0;
  return {
    state,
    generation,
    isCopying: false,
    wasCopied: isBound(entry) && state.state !== 'absent',
    failure: null,
    seen: null,
    refused: null,
    failedAs: null,
    obstructions: 0,
  };
}
