import type { TableEvent } from '../../src/core/batch.ts';
import type { TableEntry, TableState } from '../../src/core/checkpoint.ts';

/** Halts that the sink or a value was the cause of: another look at the catalog tells nothing about them. */
const NEEDS_A_PERSON = new Set([
  'rule_failed',
  'key_collision',
  'row_missing',
  'twin_refused',
  'swap_blocked',
  'too_wide',
  'reserved_column',
]);

/** The first copy of a quarter of an hour begins at once; before each further one of a table the wait doubles. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 5 * 60_000;
const MEMORY_MS = 15 * 60_000;

const WHATEVER_IS_SEEN = '';

/** What is known of a table that does not stream. */
interface Account {
  state: TableState;
  /** Of the last copy that began. */
  generation: number;
  isCopying: boolean;
  /** When its copies began. */
  began: number[];
  /** What the catalog said of it last, and the last that must not be copied. Equal ones say the same. */
  seen: string | null;
  refused: string | null;
  /** A person asked for its next copy. */
  isAsked: boolean;
}

/** Which tables are to be copied anew, and when. Pure: it is told what happens, and times in ms of a monotonic clock. */
export class Due {
  readonly #accounts: ReadonlyMap<string, Account>;

  constructor(names: Iterable<string>, entries: ReadonlyMap<string, TableEntry>) {
    this.#accounts = new Map(Array.from(names, (name) => [name, accountOf(entries.get(name))]));
  }

  /** What was said of a table, to whoever reads. */
  note(event: TableEvent<'raw'>): void {
    const account = this.#accounts.get(event.type === 'stopped' ? event.name : event.table.name);
    if (!account) return;
    if (event.type === 'defined') account.generation = Math.max(account.generation, event.generation);
    if (event.type === 'copy started') account.isCopying = true;
    if (event.type !== 'stopped' && event.type !== 'copy finished') return;
    account.state = event.type === 'stopped' ? event.state : { state: 'streaming' };
    account.isCopying = false;
    if (event.type === 'copy finished') account.isAsked = false;
  }

  /** Tables that may be due: what the catalog says of them decides. */
  candidates(now: number): string[] {
    return [...this.#accounts]
      .filter(([, { state, isCopying }]) => state.state !== 'streaming' && !isCopying)
      .filter(([, account]) => dueAt(account, now) <= now)
      .map(([name]) => name);
  }

  /** Whether a copy is under way, or will begin without anybody’s help. */
  get isPending(): boolean {
    return [...this.#accounts.values()].some(({ state, isCopying, refused, seen }) => {
      return isCopying || (state.state !== 'streaming' && (seen === null || refused !== seen));
    });
  }

  stateOf(name: string): TableState {
    return this.#accounts.get(name)!.state;
  }

  /** Of the copy that began last. */
  generationOf(name: string): number {
    return this.#accounts.get(name)!.generation;
  }

  isCopying(name: string): boolean {
    return this.#accounts.get(name)!.isCopying;
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

  /** Whatever was against a copy of it does not count any more. */
  force(name: string): void {
    const account = this.#accounts.get(name)!;
    account.seen = account.refused = null;
    account.began = [];
    account.isAsked = true;
  }

  isAsked(name: string): boolean {
    return this.#accounts.get(name)!.isAsked;
  }

  begin(name: string, now: number): void {
    const account = this.#accounts.get(name)!;
    account.generation++;
    account.isCopying = true;
    account.began = [...account.began.filter((at) => now - at < MEMORY_MS), now];
  }
}

function accountOf(entry: TableEntry | undefined): Account {
  const state = entry?.state ?? ({ state: 'absent' } as const);
  const generation = entry?.generation ?? 0;
  return { state, generation, isCopying: false, began: [], seen: null, refused: null, isAsked: false };
}

function dueAt({ began }: Account, now: number): number {
  const recent = began.filter((at) => now - at < MEMORY_MS);
  const last = recent.at(-1);
  return last === undefined ? now : last + Math.min(FIRST_WAIT_MS * 2 ** (recent.length - 1), LONGEST_WAIT_MS);
}
