// What every sink must do with a copy that it cannot hold, beside the others that it can.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PgveilError } from '../../src/core/errors.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import {
  batch,
  copyOf,
  copyStarted,
  entryOf,
  insert,
  nextGeneration,
  positionAt,
  upTo,
  writeCopy,
} from '../support/batches.ts';
import { apply, type MakeSink, type Read, signal, Trial } from './sink-trial.ts';

export function acceptRefusals(name: string, make: MakeSink, read: Read): void {
  const begin = () => new Trial(make, read);

  describe(`${name}: a copy that the sink cannot hold`, () => {
    test('is refused by the name of its table and ends alone: what else was written becomes durable', async () => {
      await using trial = begin();
      const { table } = trial;
      const sink = await trial.copied([['1', 'a', null]]);
      await sink.write(upTo(0x200n, [insert(table, ['2', 'b', null])]));
      const other = {
        ...table,
        oid: table.oid + 10_000,
        relation: `${table.relation}_other`,
        name: `${table.name}_other`,
      };
      const [started, rows, ...rest] = copyOf(other, [['7', 'g', null]]);
      await apply(sink, started!, rows!);
      const [refused, ...late] = copyOf(unfit(table), [['3', 'void', null, 'x']]);
      await assert.rejects(sink.write(alone(refused!)), isAbout('reserved_column', table));
      for (const one of late) await sink.write(one);
      assert.equal(await sink.settled(table.name), false);
      await writeCopy(sink, rest);
      await sink.flush(positionAt(0x200n));
      assert.equal(await sink.settled(other.name), true);
      await sink.close();
      assert.deepEqual(await trial.rows(), [
        ['1', 'a', null],
        ['2', 'b', null],
      ]);
      assert.deepEqual(await read(trial.pipeline, other), [['7', 'g', null]]);
    });

    test('leaves an entry from which a start sees what it was refused for, and not that it was finished', async () => {
      await using trial = begin();
      const sink = await trial.copied([['1', 'a', null]]);
      const next = unfit(trial.table);
      const [refused, ...late] = copyOf(next, []);
      await assert.rejects(sink.write(alone(refused!)), isAbout('reserved_column', trial.table));
      for (const one of late) await sink.write(one);
      await sink.flush(positionAt(0x200n));
      const { position, tables } = await sink.open(signal);
      assert.deepEqual(position, positionAt(0x200n));
      assert.deepEqual(tables.get(next.name), entryOf(next, { state: 'absent' }));
      await sink.close();
    });

    test('does not keep the table from halting, nor from a later copy', async () => {
      await using trial = begin();
      const { table } = trial;
      const sink = await trial.copied([['1', 'a', null]]);
      const next = unfit(table);
      await assert.rejects(sink.write(alone(copyStarted(next))), isAbout('reserved_column', table));
      const state = { state: 'halted', code: 'reserved_column' } as const;
      const halted = entryOf(next, state);
      const events = [{ type: 'stopped', name: table.name, oid: table.oid, state }] as const;
      await apply(sink, batch({ events, entries: new Map([[table.name, halted]]), position: positionAt(0x200n) }));
      const last = { ...table, generation: next.generation + 1 };
      await writeCopy(sink, copyOf(last, [['4', 'd', null]]));
      await sink.flush(positionAt(0x300n));
      assert.equal(await sink.settled(last.name), true);
      await sink.close();
      assert.deepEqual(await trial.rows(), [['4', 'd', null]]);
      assert.deepEqual((await trial.sink().open(signal)).tables.get(table.name), entryOf(last));
    });
  });
}

/** With a column called as the key that sinks add. */
function unfit(table: RedactedTable): RedactedTable {
  const taken = { ...table.columns[1]!, attnum: table.columns.length + 1, name: 'source_primary_key' };
  return nextGeneration(table, { columns: [...table.columns, taken] });
}

/** The start of a copy as a source sends it: behind the definition, in a batch of its own. */
function alone(started: ReturnType<typeof copyStarted>) {
  return { ...started, events: started.events.filter(({ type }) => type === 'copy started') };
}

function isAbout(code: PgveilError['code'], table: RedactedTable) {
  return (error: PgveilError) => {
    assert.deepEqual([error.code, error.table], [code, table.name]);
    return true;
  };
}
