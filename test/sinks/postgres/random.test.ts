// Random changes, folded over random batches, windows and flushes, against a map that does the same one by one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RedactedTable } from '../../../src/core/table.ts';
import {
  type Cell,
  insert,
  part,
  type Row,
  remove,
  sketchTable,
  truncate,
  UNCHANGED,
  update,
  upTo,
} from '../../support/batches.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/postgres.ts';
import { Random } from '../../support/random/prng.ts';
import { copyInto, rowsOf, signal, TestSink } from './twin.ts';

let server: PostgresServer;
before(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

/** The source in small: knows its rows, changes them at random, and tells what Postgres would send. */
class Model {
  readonly rows = new Map<string, string[]>();
  readonly #table: RedactedTable;
  readonly #random: Random;

  constructor(table: RedactedTable, random: Random) {
    this.#table = table;
    this.#random = random;
  }

  change(): ReturnType<typeof insert> {
    const random = this.#random;
    const kind =
      this.rows.size === 0 ? 'insert' : random.weighted({ insert: 30, update: 40, move: 10, remove: 19, truncate: 1 });
    if (kind === 'insert') return this.#insert();
    if (kind === 'truncate') {
      this.rows.clear();
      return truncate(this.#table);
    }
    const row = random.pick([...this.rows.values()]);
    if (kind === 'remove') {
      this.rows.delete(row[0]!);
      return remove(this.#table, this.#old(row));
    }
    return this.#update(row, kind === 'move' ? this.#freeKey() : row[0]!);
  }

  #insert() {
    const row = [this.#freeKey(), this.#text(), this.#text(), this.#text()];
    this.rows.set(row[0]!, row);
    return insert(this.#table, row);
  }

  #update(row: string[], key: string) {
    const sent: Cell[] = [key];
    const now = [key];
    for (const value of row.slice(1)) {
      const cell = this.#random.pick<Cell>([UNCHANGED, value, this.#text()]);
      sent.push(cell);
      now.push(cell === UNCHANGED ? value : (cell as string));
    }
    this.rows.delete(row[0]!);
    this.rows.set(key, now);
    const isMove = key !== row[0];
    return update(this.#table, sent, isMove || this.#table.identity === 'full' ? this.#old(row) : undefined);
  }

  #old(row: readonly string[]): Row {
    return this.#table.identity === 'full' ? row : [row[0]!, null, null, null];
  }

  /** Few keys, so that the same ones come again and again. */
  #freeKey(): string {
    for (;;) {
      const key = `key ${this.#random.int(1, 60)}`;
      if (!this.rows.has(key)) return key;
    }
  }

  #text(): string {
    return this.#random.pick(['', 'tab\t', 'back\\slash', 'new\nline', `n${this.#random.int(0, 99)}`]);
  }
}

for (const identity of ['default', 'full'] as const) {
  test(`the twin equals the source after every flush (REPLICA IDENTITY ${identity})`, async () => {
    for (let seed = 1; seed <= 15; seed++) {
      const random = new Random(seed);
      const columns = { id: 'text', a: 'text', b: 'text', c: 'text' };
      const oid = 40000 + seed;
      const table = sketchTable({ relation: `${identity}_${seed}`, oid, columns, key: ['id'], identity });
      const model = new Model(table, random);
      const sink = new TestSink(server, { pipeline: table.relation });
      await sink.open(signal);
      await copyInto(sink, table, []);
      let pos = 0x200n;
      for (let flushes = 0; flushes < 12; flushes++) {
        for (let parts = random.int(0, 3); parts > 0; parts--) {
          await sink.write(part(Array.from({ length: random.size(1, 60) }, () => model.change())));
        }
        const batch = upTo(++pos, [model.change()]);
        await sink.write(batch);
        await sink.flush(batch.position);
        const wanted = [...model.rows.values()].sort((one, other) => (one[0]! < other[0]! ? -1 : 1));
        assert.deepEqual(await rowsOf(server, table), wanted, `seed ${seed}, flush ${flushes}`);
      }
      await sink.close();
      assert.deepEqual(
        sink.observed.filter(({ type }) => type === 'repaired'),
        [],
        `seed ${seed}`,
      );
    }
  });
}
