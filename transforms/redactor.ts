import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { Batch, Change, RawBatch, RedactedBatch, TableEvent } from '../src/core/batch.ts';
import type { TableEntry } from '../src/core/checkpoint.ts';
import { ERRORS, type ErrorCode, type Finding, PgveilError } from '../src/core/errors.ts';
import type { Observe } from '../src/core/observer.ts';
import {
  type Approval,
  type Names,
  NO_ORDERS,
  NO_OTHER_NAMES,
  type Opening,
  type Redactor,
} from '../src/core/redactor.ts';
import type { Wanted } from '../src/core/source.ts';
import { shapeOf, type Table } from '../src/core/table.ts';
import { Arena } from './arena.ts';
import { takesNames } from './binding.ts';
import { type Definition, define } from './definition.ts';
import { dueState, Entries } from './entries.ts';
import { namesUnknown, warnings } from './findings.ts';
import { type Flow, newFlow, redactChange } from './flow.ts';
import { deriveKeys, type Keyring } from './keys.ts';
import { carryOut } from './orders.ts';
import type { Plan } from './plan.ts';
import { Withheld } from './withheld.ts';

type Decisions = Pick<Config, 'key' | 'tables' | 'unlisted'>;

/** See Redactor. `open` throws `key_changed`; `wanted` and `redact` throw what `define` finds. */
export class RowRedactor implements Redactor {
  readonly #config: Decisions;
  readonly #observe: Observe;
  readonly #keys: Keyring;
  readonly #withheld = new Withheld();
  readonly #arena = new Arena();
  #entries: Entries;
  #definitions = new WeakMap<Table<'raw'>, Definition>();
  /** By table name. */
  #flows = new Map<string, Flow>();
  /** Halted here: until the next `open` or the next copy, whatever else the source does with them. */
  #halted = new Set<string>();
  /** Those of the batch in hand, or due with the next one. */
  #events: TableEvent<'redacted'>[] = [];

  constructor(config: Decisions, observe: Observe) {
    this.#config = config;
    this.#observe = observe;
    this.#keys = deriveKeys(config.key);
    this.#entries = new Entries(new Map(), this.#keys.fingerprint);
  }

  open(stored: ReadonlyMap<string, TableEntry>, opening: Opening = {}): ReadonlyMap<string, TableEntry> {
    const { halts = [], orders = NO_ORDERS, apart = [], names = NO_OTHER_NAMES } = opening;
    const { fingerprint } = this.#keys;
    const entries = carryOut(orders, stored, { tables: this.#config.tables, fingerprint });
    this.#entries = new Entries(stored, fingerprint, names);
    this.#entries.replace(entries);
    this.#entries.tell(apart);
    this.#definitions = new WeakMap();
    this.#flows = new Map();
    this.#halted = new Set();
    this.#events = [];
    for (const [name, { oid, generation, state }] of entries) {
      if (this.#config.tables.has(name)) this.#observe({ type: 'table', table: name, generation, ...state });
      else if (state.state !== 'absent') this.#entries.setState(name, { state: 'absent' }, oid);
    }
    for (const [name, code] of halts) this.#halt(name, entries.get(name)?.oid ?? 0, code);
    return new Map(this.#entries.all);
  }

  readonly wanted: Wanted = (table) => {
    return this.#halted.has(table.name) ? null : (this.#planOf(table)?.wanted ?? null);
  };

  isAsCopied(table: Table<'raw'>): boolean {
    const { plan } = this.#define(table);
    return plan !== null && plan.table.plan === this.#entries.all.get(table.name)?.plan;
  }

  fits(table: Table<'raw'>): boolean {
    return this.#define(table).plan !== null;
  }

  isOrdered(table: Table<'raw'>): boolean {
    const { plan, approval } = this.#define(table);
    return this.#entries.all.get(table.name)?.order.copy === true || (plan !== null && approval !== null);
  }

  approval(table: Table<'raw'>): Approval | null {
    return this.#define(table).approval;
  }

  unbind(names: Names): void {
    this.#entries.unbind(names);
  }

  redact(batch: RawBatch): RedactedBatch {
    for (const event of batch.events) this.#follow(event);
    const events = this.#events;
    this.#events = [];
    const changes = this.#redactChanges(batch);
    this.#withheld.report(this.#observe);
    const chunk = batch.chunk && this.#flowOf(batch.chunk.table);
    const redacted: Batch<'redacted'> & Pick<RedactedBatch, 'entries'> = {
      events,
      // Of a chunk in which its table halted no row leaves: without the chunk it would be one of the stream.
      changes: batch.chunk && !chunk ? [] : changes,
      chunk: chunk && { table: chunk.redacted, number: batch.chunk!.number },
      position: batch.position,
      progress: batch.progress,
      bytes: this.#arena.bytes,
      entries: this.#entries.takeChanged(),
    };
    this.#repeatHalts();
    return redacted as RedactedBatch;
  }

  #follow(event: TableEvent<'raw'>): void {
    if (event.type === 'defined' && this.#isTriedAnew(event)) this.#halted.delete(event.table.name);
    if (event.type === 'stopped') this.#stop(event);
    else if (event.type === 'ordered') this.#order(event.name, event.approved);
    else if (this.#halted.has(event.table.name)) return;
    else if (event.type === 'defined') this.#begin(event.table, event.generation);
    else if (event.type === 'noted') this.#entries.note(event.table.name, event.fingerprint);
    else this.#pass(event);
  }

  /** A copy is to begin, of a definition that was not found unfit before. */
  #isTriedAnew({ table, generation }: Extract<TableEvent<'raw'>, { type: 'defined' }>): boolean {
    const after = this.#entries.all.get(table.name)?.generation ?? 0;
    return generation > after && this.#definitions.get(table)?.plan !== null;
  }

  #pass(event: Exclude<TableEvent<'raw'>, { type: 'stopped' | 'ordered' | 'defined' | 'noted' }>): void {
    const flow = this.#flows.get(event.table.name);
    if (!flow) return;
    if (event.type === 'copy started') {
      const plan = this.#planAtStart(flow);
      if (!plan) return;
      flow.isFlowing = true;
      this.#entries.startCopy(flow.raw, plan, event.generation, event.fingerprint);
    }
    if (!flow.isFlowing) return;
    if (event.type === 'copy finished') this.#entries.setState(flow.raw.name, { state: 'streaming' }, flow.raw.oid);
    this.#events.push({ ...event, table: flow.redacted });
  }

  #begin(raw: Table<'raw'>, generation: number): void {
    const plan = this.#planOf(raw);
    if (!plan) return;
    const entry = this.#entries.all.get(raw.name);
    // With another generation a copy follows, whatever the table is now.
    const isFlowing = entry?.state.state === 'streaming' && entry.generation === generation;
    if (isFlowing && !isSameAsCopied(raw, plan, entry)) {
      this.#halt(raw.name, raw.oid, 'stale');
      return;
    }
    if (isFlowing) this.#entries.forgetApproval(raw.name);
    if (!isFlowing) this.#observe({ type: 'table', table: raw.name, generation, state: 'waiting' });
    const { bound } = this.#definitions.get(raw)!;
    for (const warning of warnings(raw, bound)) this.#observe({ type: 'warning', table: raw.name, ...warning });
    const onWithheld = (column: number) => this.#withheld.add(raw.name, raw.columns[column]!.name);
    const flow = newFlow(raw, plan, { generation, isFlowing }, onWithheld);
    this.#flows.set(raw.name, flow);
    this.#events.push({ type: 'defined', table: flow.redacted, generation });
  }

  #stop({ type, name, oid, state, definition }: Extract<TableEvent<'raw'>, { type: 'stopped' }>): void {
    const flow = this.#flows.get(name);
    if (flow) flow.isFlowing = false;
    // What a person has to decide before this definition could be copied, as `names_moved`. That may be another one than was said before.
    const [unfit] = definition ? this.#define(definition).findings : [];
    if (unfit) {
      this.#halted.delete(name);
      this.#halt(name, oid, unfit.code, unfit);
    } else if (!this.#halted.has(name)) {
      // Nothing halts a definition that fits: a person approved it before anybody here saw it.
      const now = definition ? dueState(state, 'its names moved, and that was approved') : state;
      this.#entries.setState(name, now, oid);
      this.#events.push({ type, name, oid, state: now });
    }
  }

  /** Whatever halted it is for the person who asked; what streams or is being copied goes on until the source stops it. */
  #order(name: string, approved: string | null): void {
    const isGoing = this.#flows.get(name)?.isFlowing === true;
    if (!isGoing) this.#halted.delete(name);
    this.#entries.order(name, approved, isGoing);
  }

  /** Without a consequence, and by what is bound anywhere as of now. */
  #define(table: Table<'raw'>): Definition {
    const definition = define(table, this.#config, this.#keys, this.#entries.everywhere);
    if (this.#entries.areNamesKnown || !takesNames(table, definition.bound)) return definition;
    return { ...definition, plan: null, findings: [namesUnknown(table)] };
  }

  /** Null where the definition halts its table; throws where it contradicts the configuration as a whole. */
  #planOf(table: Table<'raw'>): Plan | null {
    const known = this.#definitions.get(table);
    const definition = known ?? this.#define(table);
    this.#definitions.set(table, definition);
    if (definition.plan) return definition.plan;
    for (const { code, message, fix } of definition.findings) {
      if (ERRORS[code].recovery !== 'halt table') throw new PgveilError(code, message, { table: table.name, fix });
    }
    const message = definition.findings.map(({ message }) => message).join('; ');
    this.#halt(table.name, table.oid, definition.findings[0]!.code, { ...definition.findings[0]!, message });
    return null;
  }

  /** Others may have bound names since the table was defined here. Null where the copy must not begin: that of a later snapshot sees what they saw. */
  #planAtStart({ raw, plan }: Flow): Plan | null {
    const then = this.#definitions.get(raw)!.bound.last;
    this.#definitions.delete(raw);
    const now = this.#planOf(raw);
    if (!now) return null;
    const { last } = this.#definitions.get(raw)!.bound;
    const isOlder = last !== null && last.binding.number !== then?.binding.number && !isOfShape(last, raw);
    if (!isOlder && now.table.plan === plan.table.plan) return now;
    this.#halt(raw.name, raw.oid, 'stale');
    return null;
  }

  /** `finding` where it is more than the code's own line in errors.ts says. */
  #halt(name: string, oid: number, code: string, finding?: Pick<Finding, 'message' | 'fix'>): void {
    if (this.#halted.has(name)) return;
    this.#halted.add(name);
    const state = { state: 'halted', code } as const;
    const flow = this.#flows.get(name);
    if (flow) flow.isFlowing = false;
    this.#entries.setState(name, state, oid);
    this.#events.push({ type: 'stopped', name, oid, state });
    const { generation } = this.#entries.all.get(name)!;
    const { message: reason, fix } = finding ?? { message: ERRORS[code as ErrorCode]?.means ?? code };
    this.#observe({ type: 'table', table: name, generation, state: 'halted', code, reason, ...(fix && { fix }) });
  }

  #redactChanges(batch: RawBatch): Change<'redacted'>[] {
    this.#arena.begin(batch);
    const redacted: Change<'redacted'>[] = [];
    for (const change of batch.changes) {
      const flow = this.#flowOf(change.table);
      if (!flow) continue;
      const made = redactChange(change, flow, this.#arena);
      if (made) redacted.push(made);
      else this.#halt(flow.raw.name, flow.raw.oid, 'rule_failed');
    }
    this.#arena.release(batch);
    return redacted;
  }

  /** Null where nothing of the table leaves. */
  #flowOf(table: Table<'raw'>): Flow | null {
    const flow = this.#flows.get(table.name);
    const isExpected = flow?.isFlowing || this.#entries.isStreaming(table.name);
    if (isExpected && (flow?.raw !== table || !flow.isFlowing)) {
      throw new Error(`changes of ${table.name} came before their definition`);
    }
    return isExpected ? flow! : null;
  }

  /** A table that halted in the midst of a batch, behind its events: those of the next one say so, and its entries once more. */
  #repeatHalts(): void {
    for (const event of this.#events) {
      if (event.type === 'stopped') this.#entries.setState(event.name, event.state, event.oid);
    }
  }
}

/** What goes on streaming must be what was copied, and under the rules it was copied with. */
function isSameAsCopied(raw: Table<'raw'>, plan: Plan, entry: TableEntry): boolean {
  return entry.oid === raw.oid && entry.plan === plan.table.plan && isOfShape(entry, raw);
}

function isOfShape({ shape }: TableEntry, raw: Table<'raw'>): boolean {
  return isDeepStrictEqual(shape, shapeOf(raw));
}
