// What every sink must do, whatever it writes to. `acceptSink` declares the tests; the sink's own test file calls it. What those must do
// besides that hold one row per key is in sink-keys.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PgveilError } from '../../src/core/errors.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import {
  batch,
  copyFinished,
  copyOf,
  copyRead,
  copyStarted,
  entryOf,
  insert,
  nextGeneration,
  part,
  positionAt,
  reads,
  remove,
  update,
  upTo,
  writeCopy,
} from '../support/batches.ts';
import { acceptChanges } from './sink-changes.ts';
import { acceptRefusals } from './sink-refusals.ts';
import { apply, type MakeSink, type Read, signal, Trial } from './sink-trial.ts';

export function acceptSink(name: string, make: MakeSink, read: Read): void {
  const begin = (identity?: RedactedTable['identity']) => new Trial(make, read, identity);

  describe(`${name}: what is durable`, () => {
    test('nothing, before the first copy', async () => {
      await using trial = begin();
      const sink = trial.sink();
      const checkpoint = await sink.open(signal);
      await sink.close();
      assert.equal(checkpoint.position, null);
      assert.equal(checkpoint.tables.size, 0);
    });

    test('a copy is not finished before it is: no position, no streaming table, no rows', async () => {
      await using trial = begin();
      const sink = await trial.open();
      const [started, rows, chunk] = copyOf(trial.table, [['1', 'a', null]]);
      await apply(sink, started!, rows!, chunk!);
      await sink.close();
      const checkpoint = await trial.sink().open(signal);
      assert.equal(checkpoint.position, null);
      assert.equal(checkpoint.tables.get(trial.table.name)?.state.state, 'absent');
    });

    test('a position with its witness and history, and entries to the last field', async () => {
      await using trial = begin();
      const sink = await trial.copied([]);
      const stale = entryOf(trial.table, { state: 'stale', since: 0xabcdef0123n, reason: 'column dropped' });
      await sink.write(batch({ entries: new Map([[trial.table.name, stale]]) }));
      await apply(sink, upTo(0x200n));
      await sink.close();
      const checkpoint = await trial.sink().open(signal);
      assert.deepEqual(checkpoint.position, positionAt(0x200n));
      assert.deepEqual(checkpoint.tables, new Map([[trial.table.name, stale]]));
    });

    test('what was written and not flushed is gone after the next open, entries too', async () => {
      await using trial = begin();
      const sink = await trial.copied([['1', 'a', null]]);
      const halted = entryOf(trial.table, { state: 'halted', code: 'no_key' });
      await sink.write({
        ...upTo(0x200n, [insert(trial.table, ['2', 'b', null])]),
        entries: new Map([[trial.table.name, halted]]),
      });
      const checkpoint = await sink.open(signal);
      assert.deepEqual(checkpoint.position, positionAt(0x100n));
      assert.equal(checkpoint.tables.get(trial.table.name)?.state.state, 'streaming');
      await apply(sink, upTo(0x200n, [insert(trial.table, ['3', 'c', null])]));
      await sink.close();
      assert.deepEqual(await trial.rows(), [
        ['1', 'a', null],
        ['3', 'c', null],
      ]);
    });

    test('a position without changes', async () => {
      await using trial = begin();
      const sink = await trial.copied([]);
      await apply(sink, part([]), upTo(0x200n), upTo(0x300n));
      await sink.close();
      assert.deepEqual((await trial.sink().open(signal)).position, positionAt(0x300n));
    });

    test('a transaction of several batches is there as a whole or not at all', async () => {
      await using trial = begin();
      const sink = await trial.copied([['0', 'old', null]]);
      for (let from = 1; from <= 3000; from += 1000) {
        const rows = Array.from({ length: 1000 }, (_, i) =>
          insert(trial.table, [`${from + i}`, 'x'.repeat(3000), null]),
        );
        await sink.write(part(rows));
        await sink.write(part([update(trial.table, ['0', `new ${from}`, null])]));
        assert.deepEqual(await trial.rows(), [['0', 'old', null]]);
      }
      await apply(sink, upTo(0x200n));
      await sink.close();
      const rows = await trial.rows();
      assert.equal(rows.length, 3001);
      assert.deepEqual(rows[0], ['0', 'new 2001', null]);
    });
  });

  describe(`${name}: a flush`, () => {
    test('does not hold what was written after it was called', async () => {
      await using trial = begin();
      const sink = await trial.copied([['1', 'a', null]]);
      await sink.write(upTo(0x200n, [insert(trial.table, ['2', 'b', null])]));
      const flushed = sink.flush(positionAt(0x200n));
      await sink.write(upTo(0x300n, [insert(trial.table, ['3', 'c', null]), remove(trial.table, ['1', null, null])]));
      await flushed;
      await sink.close();
      assert.deepEqual(await trial.rows(), [
        ['1', 'a', null],
        ['2', 'b', null],
      ]);
      const next = await trial.open();
      await apply(next, upTo(0x300n, [insert(trial.table, ['3', 'c', null])]));
      await next.close();
      assert.equal((await trial.rows()).length, 3);
    });
  });

  describe(`${name}: an entry`, () => {
    test('that waits for a position does not overwrite that of a copy which came later', async () => {
      await using trial = begin();
      const sink = await trial.copied([['1', 'a', null]]);
      const stale = entryOf(trial.table, { state: 'stale', since: 0x180n, reason: 'of the test' });
      await sink.write(batch({ entries: new Map([[trial.table.name, stale]]) }));
      const next = nextGeneration(trial.table);
      await writeCopy(sink, copyOf(next, [['1', 'b', null]]));
      await sink.flush(positionAt(0x200n));
      await sink.settled(next.name);
      const { tables } = await sink.open(signal);
      await sink.close();
      assert.deepEqual(tables.get(trial.table.name), entryOf(next));
    });
  });

  describe(`${name}: two instances`, () => {
    test('the first can write nothing more when the second has opened', async () => {
      await using trial = begin();
      const first = await trial.copied([['1', 'a', null]]);
      await first.write(upTo(0x200n, [insert(trial.table, ['2', 'first', null])]));
      const second = trial.sink();
      assert.deepEqual((await second.open(signal)).position, positionAt(0x100n));
      await assert.rejects(async () => {
        await first.write(upTo(0x300n, [insert(trial.table, ['3', 'first', null])]));
        await first.flush(positionAt(0x300n));
      });
      await apply(second, upTo(0x200n, [insert(trial.table, ['2', 'second', null])]));
      await first.close();
      await second.close();
      assert.deepEqual(await trial.rows(), [
        ['1', 'a', null],
        ['2', 'second', null],
      ]);
    });

    test('what the first fails with at a flush, it fails with in all that comes behind it', async () => {
      await using trial = begin();
      const first = await trial.copied([['1', 'a', null]]);
      const second = await trial.open();
      await first.write(upTo(0x200n, [insert(trial.table, ['2', 'first', null])])).catch(() => {});
      const failure = await first.flush(positionAt(0x200n)).catch((error) => error);
      assert.ok(failure instanceof PgveilError);
      const next = upTo(0x300n, [insert(trial.table, ['3', 'first', null])]);
      await assert.rejects(first.write(next), { code: failure.code, message: failure.message });
      await assert.rejects(first.settled(trial.table.name), { code: failure.code, message: failure.message });
      await Promise.all([first.close(), second.close()]);
    });

    test('a chunk of the first comes to nothing when the second has opened', async () => {
      await using trial = begin();
      const first = await trial.open();
      await apply(first, copyStarted(trial.table), reads(trial.table, 1, [['1', 'first', null]]));
      const second = trial.sink();
      await second.open(signal);
      const finished = batch({ events: [{ type: 'chunk finished', table: trial.table, chunk: 1 }] });
      await assert.rejects(first.write(finished));
      const next = nextGeneration(trial.table);
      await writeCopy(second, copyOf(next, [['1', 'second', null]]));
      await second.flush(positionAt(0x100n));
      await second.settled(next.name);
      await first.close();
      await second.close();
      assert.deepEqual(await trial.rows(), [['1', 'second', null]]);
    });
  });

  acceptChanges(name, begin);
  acceptRefusals(name, make, read);

  describe(`${name}: rows that nobody knew of`, () => {
    test('an update of a row that is not there writes the row', async () => {
      await using trial = begin();
      const sink = await trial.copied([]);
      await apply(sink, upTo(0x200n, [update(trial.table, ['7', 'g', 'x'])]));
      await sink.close();
      assert.deepEqual(await trial.rows(), [['7', 'g', 'x']]);
    });
  });

  describe(`${name}: copies`, () => {
    test('a chunk that was abandoned leaves nothing, chunks that interleave leave everything', async () => {
      await using trial = begin();
      const { table } = trial;
      const sink = await trial.open();
      await writeCopy(sink, [
        copyStarted(table),
        reads(table, 1, [['1', 'a', null]]),
        reads(table, 2, [['2', 'void', null]]),
        reads(table, 1, [['3', 'c', null]]),
        batch({ events: [{ type: 'chunk abandoned', table, chunk: 2 }] }),
        reads(table, 3, [['2', 'b', null]]),
        batch({ events: [{ type: 'chunk finished', table, chunk: 3 }] }),
        batch({ events: [{ type: 'chunk finished', table, chunk: 1 }] }),
        copyRead(table),
        copyFinished(table),
      ]);
      await sink.flush(positionAt(0x100n));
      await sink.settled(table.name);
      await sink.close();
      assert.deepEqual(await trial.rows(), [
        ['1', 'a', null],
        ['2', 'b', null],
        ['3', 'c', null],
      ]);
    });

    test('the old content stays readable until a new copy is finished, and goes then', async () => {
      await using trial = begin();
      const sink = await trial.copied([['1', 'old', null]]);
      const next = nextGeneration(trial.table);
      for (const one of copyOf(next, [['2', 'new', null]])) {
        await writeCopy(sink, [one]);
        assert.deepEqual(await trial.rows(), [['1', 'old', null]]);
      }
      await apply(sink, upTo(0x200n, [insert(next, ['3', 'newer', null])]));
      await sink.settled(next.name);
      await sink.close();
      assert.deepEqual(await trial.rows(), [
        ['2', 'new', null],
        ['3', 'newer', null],
      ]);
    });
  });
}
