import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { Observation, Waiting } from '../../core/observer.ts';
import { fixOf, isOfEveryTable, isSinkAway } from '../known-errors.ts';
import { VERSION } from '../version.ts';
import { type SinkStatus, SinkWatch } from './sink-watch.ts';
import { type SlotStatus, SlotWatch } from './slot-watch.ts';
import { type Notice, type TableStatus, TableWatch } from './table-status.ts';

/** The answer of /status. */
export interface Status {
  readonly name: string;
  readonly version: string;
  /** The least of the sinks' positions. */
  readonly position: string | null;
  readonly tables: Readonly<Record<string, TableStatus>>;
  readonly sinks: Readonly<Record<string, SinkStatus>>;
  readonly slot: SlotStatus;
  /** Of copies beside the stream that last for a while, where there are any. */
  readonly copy_slots?: readonly SlotStatus[];
  /** Kept for sinks that are configured no longer, where there are any: a start drops them. */
  readonly unused_slots?: readonly SlotStatus[];
  /** What keeps the pipeline from going on right now. */
  readonly trouble?: Notice;
  /** What it waits for before it goes on. Where that is another instance, what becomes of tables, sinks and slot only that one can tell. */
  readonly waiting?: Pick<Waiting, 'for' | 'what'>;
}

/** Another instance has the pipeline: see Status. */
export function isSecond({ waiting }: Pick<Status, 'waiting'>): boolean {
  return waiting?.for === 'instance';
}

export interface About {
  readonly name: string;
  readonly slot: string;
  readonly tables: Iterable<string>;
  readonly sinks: Iterable<string>;
}

/** The pipeline's slot, those of sinks that read by themselves, those of copies, and those that nobody reads. */
export function slotsOf(status: Pick<Status, 'slot' | 'sinks' | 'copy_slots' | 'unused_slots'>): readonly SlotStatus[] {
  const own = Object.values(status.sinks).flatMap((sink) => sink.slot ?? []);
  return [status.slot, ...own, ...(status.copy_slots ?? []), ...(status.unused_slots ?? [])];
}

/** All that is known of a running pipeline, told by its observations: what /status, /ready and the metrics show. */
export class State {
  readonly #about: About;
  readonly #now: () => number;
  /** The configured ones; checkpoints also know tables that are configured no longer. */
  readonly #tables: Map<string, TableWatch>;
  readonly #sinks: ReadonlyMap<string, SinkWatch>;
  readonly #slot: SlotWatch;
  readonly #copySlots = new Map<string, SlotWatch>();
  /** The furthest position known to be there: what the server said is up to some seconds old, and what came in may lie behind it. */
  #end: Lsn | null = null;
  #waiting: NonNullable<Status['waiting']> | null = null;
  #trouble: { readonly part: string; readonly notice: Notice } | null = null;
  #takenOver = Promise.withResolvers<void>();

  /** `now` in milliseconds since 1970. */
  constructor(about: About, now = Date.now) {
    this.#about = about;
    this.#now = now;
    this.#slot = new SlotWatch(about.slot);
    this.#tables = new Map(Array.from(about.tables, (table) => [table, new TableWatch()]));
    this.#sinks = new Map(Array.from(about.sinks, (sink) => [sink, new SinkWatch(now())]));
  }

  /** Resolves when this instance has taken the pipeline over: nothing is read for it before. */
  get takenOver(): Promise<void> {
    return this.#takenOver.promise;
  }

  /** Those that do not stream: they are halted, or could not be copied. */
  get tablesLeft(): string[] {
    return [...this.#tables].filter(([, table]) => table.state !== 'streaming').map(([name]) => name);
  }

  observe(seen: Observation): void {
    if (seen.own !== undefined) this.#noteOwn(seen.own, seen);
    else this.#observe(seen);
  }

  #observe(seen: Observation): void {
    if (seen.type === 'waiting') this.#wait(seen);
    else if (seen.type === 'trouble') this.#stumble(seen);
    else if (isProgress(seen)) this.#goOn();
    this.#note(seen);
  }

  status(): Status {
    const tables = [...this.#tables].map(([name, table]) => [name, bySink(name, table.status(), this.#sinks)] as const);
    const sinks = [...this.#sinks].map(([name, sink]) => [name, this.#sink(name, sink)] as const);
    return {
      name: this.#about.name,
      version: VERSION,
      position: written(leastOf(this.#sinks.values())),
      tables: Object.fromEntries(tables),
      sinks: Object.fromEntries(sinks),
      slot: this.#slot.status(),
      ...(this.#copySlots.size > 0 ? { copy_slots: Array.from(this.#copySlots.values(), (one) => one.status()) } : {}),
      ...(this.#trouble ? { trouble: this.#trouble.notice } : {}),
      ...(this.#waiting ? { waiting: this.#waiting } : {}),
    };
  }

  /** Why some sink is not up to date with the source; empty when all are. */
  reasons(): string[] {
    if (this.#waiting !== null) return [`waiting: ${this.#waiting.what}`];
    const { code, message } = this.#trouble?.notice ?? {};
    const reasons = code === undefined ? [] : [`${code}: ${message}`];
    for (const [name, { state, halt }] of this.#tables) {
      if (state !== 'streaming') reasons.push(`${name}: ${halt ? `halted, ${halt.code}` : state}`);
    }
    for (const [name, sink] of this.#sinks) {
      if (this.#sink(name, sink).state === 'live') continue;
      const why = sink.trouble === null ? '' : `, ${sink.trouble.code}: ${sink.trouble.message}`;
      reasons.push(`sink ${name}: ${sink.halt ? 'halted' : 'parked'}${why}`);
    }
    // Until then the states of the tables are what the checkpoint says, and what came since may have ended that.
    if (reasons.length === 0 && ![...this.#sinks.values()].every(({ isFollowing }) => isFollowing))
      reasons.push('the stream is not confirmed yet');
    return reasons;
  }

  #note(seen: Observation): void {
    switch (seen.type) {
      case 'table':
        this.#tables.get(seen.table)?.table(seen);
        break;
      case 'copy due':
        for (const [table, totalBytes] of seen.tables) this.#tables.get(table)?.due(totalBytes);
        break;
      case 'copy':
        this.#tables.get(seen.table)?.copy(seen);
        break;
      case 'copy step':
        this.#tables.get(seen.table)?.step(seen);
        break;
      case 'room':
        this.#tables.get(seen.table)?.room(seen);
        break;
      case 'warning':
        this.#tables.get(seen.table)?.warning(seen);
        break;
      case 'changes':
        this.#tables.get(seen.table)?.changes(seen);
        break;
      case 'withheld':
        this.#tables.get(seen.table)?.withheld(seen);
        break;
      case 'slot':
        this.#slot.slot(seen);
        this.#reached(seen.end);
        this.#toLive(seen);
        break;
      case 'copy slot':
        this.#copySlot(seen);
        break;
      case 'wal':
        this.#slotOf(seen.slot)?.wal(seen);
        break;
      case 'wal alarm':
        this.#slotOf(seen.slot)?.alarm(seen);
        break;
      case 'sink alarm':
        this.#sinks.get(seen.sink)?.alarm(seen);
        break;
      case 'received':
        this.#reached(seen.pos);
        this.#toLive(seen);
        break;
      case 'confirmed':
      case 'reached':
        this.#toLive(seen);
        break;
      case 'durable':
        this.#sinks.get(seen.sink)?.follow(seen, this.#now());
        break;
      case 'sink':
        this.#sinks.get(seen.sink)?.move(seen, this.#now());
        break;
    }
  }

  #slotOf(name: string): SlotWatch | undefined {
    const own = [...this.#sinks.values()].flatMap(({ slot }) => slot ?? []);
    return [this.#slot, ...own, ...this.#copySlots.values()].find((slot) => slot.name === name);
  }

  #copySlot({ name, seen }: Extract<Observation, { readonly type: 'copy slot' }>): void {
    const slot = this.#copySlots.get(name) ?? new SlotWatch(name);
    if (seen) slot.slot(seen);
    if (seen) this.#copySlots.set(name, slot);
    else this.#copySlots.delete(name);
  }

  /** What a sink does by itself says nothing of the others. */
  #noteOwn(sink: string, seen: Observation): void {
    if (OF_ALL.has(seen.type)) this.#note(seen);
    this.#sinks.get(sink)?.observe(seen, this.#now());
  }

  /** Those that read together. */
  #toLive(seen: Observation): void {
    for (const sink of this.#sinks.values()) if (sink.isLive) sink.follow(seen, this.#now());
  }

  #stumble(seen: Extract<Observation, { readonly type: 'trouble' }>): void {
    const { part, code, message, fix } = seen;
    this.#trouble = { part, notice: { code, message, fix: fix ?? fixOf(code) } };
    this.#waiting = null;
    this.#toLive(seen);
    const reason = isOfEveryTable(code) ? message : undefined;
    for (const table of this.#tables.values()) table.interrupt(reason);
  }

  /** The server answers again. */
  #wait({ for: whom, what }: Waiting): void {
    this.#trouble = null;
    this.#waiting = { for: whom, what };
  }

  #goOn(): void {
    if (this.#waiting?.for === 'instance') for (const sink of this.#sinks.values()) sink.takeOver(this.#now());
    this.#trouble = null;
    this.#waiting = null;
    this.#takenOver.resolve();
  }

  #sink(name: string, sink: SinkWatch): SinkStatus {
    const status = sink.status(this.#end, this.#now(), this.#isAway(name));
    // What the other instance writes nobody tells this one.
    return this.#waiting?.for === 'instance' ? { ...status, lag_ms: null } : status;
  }

  #isAway(sink: string): boolean {
    return this.#trouble !== null && this.#trouble.part === sink && isSinkAway(this.#trouble.notice.code);
  }

  #reached(pos: Lsn): void {
    if (this.#end === null || pos > this.#end) this.#end = pos;
  }
}

function leastOf(sinks: Iterable<SinkWatch>): Lsn | null {
  let least: Lsn | null = null;
  for (const { position } of sinks) {
    if (position === null) return null;
    if (least === null || position < least) least = position;
  }
  return least;
}

/** What a sink that reads by itself tells of more than itself, or of slots. */
const OF_ALL = new Set<Observation['type']>(['sink', 'durable', 'copy slot', 'wal alarm']);

/** From the best state of a table to the worst. */
const BY_WORTH = ['streaming', 'copying', 'waiting', 'halted'] as const satisfies readonly TableStatus['state'][];

/** A table that is not the same in all sinks: what it is in each, and its own state is the worst of these. */
function bySink(name: string, status: TableStatus, sinks: ReadonlyMap<string, SinkWatch>): TableStatus {
  const states = [...sinks].map(([sink, watch]) => [sink, watch.tables.get(name)?.state ?? status.state] as const);
  if (states.every(([, state]) => state === status.state)) return status;
  const state = BY_WORTH.findLast((one) => states.some(([, other]) => other === one))!;
  const halt = status.halt ?? [...sinks.values()].map(({ tables }) => tables.get(name)?.halt).find((one) => one);
  return { ...status, state, ...(halt ? { halt } : {}), sinks: Object.fromEntries(states) };
}

function isProgress(seen: Observation): boolean {
  if (seen.type === 'table') return seen.state !== 'waiting';
  return seen.type === 'copy due' || seen.type === 'copy' || seen.type === 'received' || seen.type === 'durable';
}

function written(lsn: Lsn | null): string | null {
  return lsn === null ? null : formatLsn(lsn);
}
