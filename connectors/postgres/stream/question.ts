import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { TableEvent } from '../../../src/core/batch.ts';
import type { Fingerprint } from '../../../src/core/checkpoint.ts';
import type { Lsn } from '../../../src/core/lsn.ts';
import type { Observe } from '../../../src/core/observer.ts';
import type { Column, Table } from '../../../src/core/table.ts';
import { judgeCatalog, namesMoved, stale } from '../catalog/definition.ts';
import { fingerprintOf, type IsTold, MAY_BE_TOLD, type Marks } from '../catalog/fingerprint.ts';
import { isOver, type Reading, type ReadTable, type Snapshot, type TableReading } from '../catalog/reading.ts';
import { type Stop, stopTable } from '../catalog/stop.ts';
import type { Streaming, Streams } from './outset.ts';
import { malformed, type Relation } from './pgoutput.ts';
import { columnsSent, differenceOfRelation, omittedOf } from './relation.ts';

/** What an oid of the stream stands for since its last RELATION. */
export interface Known {
  readonly relation: Relation;
  /** The transaction that RELATION came in: what it says is the catalog's answer once that one is over. */
  readonly xid: number;
  /** Its rows wait for an answer. */
  isOpen: boolean;
  /** Whose rows they are; null where they are not ours: unlisted, a leaf under its root, or a table that has stopped. */
  table: Table<'raw'> | null;
  /** Positions in its rows of what is not read: generated columns. Known with the answer. */
  omitted: readonly number[];
}

/** A table that one stream hands to another one, at a position that both have reached. */
export interface Handed {
  readonly streaming: Streaming;
  /** See Relations: of these transactions the stream told. */
  readonly truncatedBy: ReadonlySet<number>;
}

/** One look at the catalog for one table. */
export type Look = (name: string) => Promise<Reading>;

/** Why tables stop at a position that could have gone on. */
export type Why = (name: string, since: Lsn) => Stop;

const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 128;

/**
 * Every RELATION is a question, also one that says what the last one said: it carries no attnums, so
 * `DROP note; RENAME ssn TO note; ADD ssn` in one transaction gives the same bytes, and raw values under `note`.
 * The first row behind it has to wait for a look at the catalog from after its transaction.
 */
export class Relations {
  readonly #streaming: Map<string, Streaming>;
  readonly #copiedAs: Map<number, string>;
  readonly #named = new Map<string, string>();
  readonly #known = new Map<number, Known>();
  readonly #seen = new Map<string, { readonly snapshot: Snapshot; readonly reading: TableReading }>();
  readonly #look: Look;
  /** By table name: the transactions that this stream told to have truncated it, as long as a look at the catalog may still show their traces as new. */
  readonly #truncatedBy = new Map<string, Set<number>>();
  readonly #observe: Observe;

  /** The reading at the start answers for all transactions that were over by then. */
  constructor({ streaming, copiedAs, reading }: Streams, look: Look, observe: Observe) {
    this.#streaming = new Map(streaming);
    this.#copiedAs = new Map(copiedAs);
    this.#look = look;
    this.#observe = observe;
    this.#remember(reading);
    for (const [name, { table }] of streaming) this.#name(table, name);
  }

  /** The tables that stream, with what this stream knows of them. */
  handOver(): Handed[] {
    return [...this.#streaming].map(([name, streaming]) => {
      return { streaming, truncatedBy: this.#truncatedBy.get(name) ?? new Set() };
    });
  }

  /** None of these tables' rows are taken any more. */
  giveUp(names: readonly string[], since: Lsn, why: Why): TableEvent<'raw'>[] {
    return names.flatMap((name) => this.#stop(name, why(name, since)));
  }

  /** From here on the table's rows are taken. What the last RELATION of it said on this connection is a question as well. */
  takeOver({ streaming, truncatedBy }: Handed): TableEvent<'raw'> {
    const { copied, table } = streaming;
    const { name, oid } = copied;
    this.#streaming.set(name, streaming);
    for (const [other, copiedAs] of this.#copiedAs) if (copiedAs === name) this.#copiedAs.delete(other);
    this.#copiedAs.set(oid, name);
    this.#truncatedBy.set(name, new Set(truncatedBy));
    this.#name(table, name);
    this.#seen.delete(name); // it may be from before the copy
    const known = this.#known.get(oid);
    if (known) this.received(known.relation, known.xid);
    return { type: 'copy finished', table };
  }

  #name({ schema, relation }: Table<'raw'>, name: string): void {
    this.#named.set(JSON.stringify([schema, relation]), name);
  }

  /** A RELATION came; nothing is asked before a row follows. */
  received(relation: Relation, xid: number): void {
    const name = this.#nameOf(relation);
    const table = (name !== null && this.#streaming.get(name)?.table) || null;
    this.#known.set(relation.oid, { relation, xid, isOpen: table !== null, table, omitted: [] });
  }

  of(oid: number): Known {
    const known = this.#known.get(oid);
    if (!known) throw malformed('a row of a table without a RELATION before it');
    return known;
  }

  /** Answers the question. Returns the tables that stop at `since`, none where the rows may go on. */
  async settle(known: Known, since: Lsn): Promise<TableEvent<'raw'>[]> {
    const name = this.#nameOf(known.relation)!;
    const reading = await this.#readAfter(name, known.xid);
    const stops = this.#judge(name, known, reading, since);
    known.isOpen = false;
    if (known.table?.oid !== known.relation.oid) known.table = null;
    return stops;
  }

  /** A TRUNCATE of the whole table came. Noted at once: whoever goes on behind it is not told of it again. */
  truncated({ name }: Table<'raw'>, xid: number): TableEvent<'raw'> {
    const xids = this.#truncatedBy.get(name) ?? new Set();
    this.#truncatedBy.set(name, xids.add(xid));
    const streaming = this.#streaming.get(name)!;
    return this.#note(streaming, { ...streaming.copied.marks, truncatedBy: xid });
  }

  /** The stream has got to where the catalog was read, at `since`. Returns the tables that stop there by what no message told, and what is noted of others. */
  looked(reading: Reading, since: Lsn): TableEvent<'raw'>[] {
    this.#remember(reading);
    return [...this.#streaming.keys()].flatMap((name) => this.#judgeLook(name, reading, since));
  }

  #judgeLook(name: string, { tables, snapshot }: Reading, since: Lsn): TableEvent<'raw'>[] {
    const streaming = this.#streaming.get(name);
    const now = tables.get(name);
    if (!streaming || !now) return []; // stopped together with another one
    const { marks } = streaming.copied;
    const truncatedBy = this.#truncatedBy.get(name) ?? new Set();
    const stops = this.#judgeCatalog(name, now, since, (xid) => xid === marks.truncatedBy || truncatedBy.has(xid));
    if (stops.length > 0 || now.problem) return stops;
    for (const xid of truncatedBy) if (isOver(xid, snapshot)) truncatedBy.delete(xid);
    const seen = fingerprintOf(now, marks.truncatedBy);
    return isDeepStrictEqual(seen, marks) ? [] : [this.#note(streaming, seen)];
  }

  /** What changed in it and is told, or explained by what was told, is where later looks begin, after a restart too. */
  #note(streaming: Streaming, marks: Fingerprint & Marks): TableEvent<'raw'> {
    const { table, copied } = streaming;
    this.#streaming.set(table.name, { ...streaming, copied: { ...copied, marks } });
    return { type: 'noted', table, fingerprint: marks };
  }

  #judge(name: string, known: Known, reading: TableReading, since: Lsn): TableEvent<'raw'>[] {
    const { copied, table } = this.#streaming.get(name)!;
    const { relation } = known;
    const stops = this.#judgeCatalog(name, reading, since, MAY_BE_TOLD);
    if (stops.length > 0 || reading.problem) return stops;
    // A stranger that stood under the name for a while and is gone again: its rows were never ours.
    if (relation.oid !== copied.oid) return [];
    const sent = columnsSent(table, lastingOf(copied.marks, reading), relation);
    known.omitted = omittedOf(table, sent);
    const reason = differenceOfRelation(table, relation, sent);
    return reason === null ? [] : this.#stop(name, stale(name, since, reason));
  }

  #judgeCatalog(name: string, reading: TableReading, since: Lsn, isTold: IsTold): TableEvent<'raw'>[] {
    const stop = judgeCatalog(this.#streaming.get(name)!.copied, reading, since, this.#copiedAs, isTold);
    return stop ? [...this.#stop(name, stop), ...this.#stopUsurper(name, reading)] : [];
  }

  /** A table that streams under a name of its own and has taken this one: it goes by the wrong decisions as well. */
  #stopUsurper(name: string, { table }: TableReading): TableEvent<'raw'>[] {
    const usurper = this.#copiedAs.get(table?.oid ?? 0);
    if (usurper === undefined || usurper === name) return [];
    return this.#stop(usurper, namesMoved(usurper, `it has taken the name of ${name}`));
  }

  #stop(name: string, stop: Stop): TableEvent<'raw'>[] {
    const streaming = this.#streaming.get(name);
    if (!streaming) return [];
    this.#streaming.delete(name);
    for (const known of this.#known.values()) {
      if (known.table !== streaming.table) continue;
      known.table = null;
      known.isOpen = false;
    }
    return [stopTable(streaming.copied, stop, this.#observe)];
  }

  /** The table a RELATION asks about: the one that was copied from this oid, or the one whose name it bears. */
  #nameOf(relation: Relation): string | null {
    const name = this.#copiedAs.get(relation.oid);
    return name ?? this.#named.get(JSON.stringify([relation.schema, relation.relation])) ?? null;
  }

  async #readAfter(name: string, xid: number): Promise<TableReading> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      const seen = this.#seen.get(name);
      if (seen && isOver(xid, seen.snapshot)) return seen.reading;
      // Its commit was sent to us before the server's own sessions see it: for a moment, or while it waits for a synchronous standby.
      if (wait > FIRST_WAIT_MS) await sleep(wait);
      if (wait === LONGEST_WAIT_MS / 2)
        this.#observe({ type: 'waiting', for: 'transaction', what: `transaction ${xid} to become visible` });
      this.#remember(await this.#look(name));
    }
  }

  #remember({ snapshot, tables }: Reading): void {
    for (const [name, reading] of tables) this.#seen.set(name, { snapshot, reading });
  }
}

/** Its stored generated columns if all of them were there at the copy; none otherwise, since nobody could tell then which columns a RELATION has. */
function lastingOf({ generated: before = [] }: Marks, { generated }: ReadTable): readonly Column[] {
  return generated.every(({ attnum }) => before.includes(attnum)) ? generated : [];
}
