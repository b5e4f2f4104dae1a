// What a sink must do besides `acceptSink` where it holds one row per key, and so can see that a row does not fit.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PgveilError } from '../../src/core/errors.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { insert, part, positionAt, type Row, UNCHANGED, update, upTo } from '../support/batches.ts';
import { apply, type MakeSink, type Read, signal, Trial } from './sink-trial.ts';

export function acceptKeys(name: string, make: MakeSink, read: Read): void {
  const begin = () => new Trial(make, read);

  describe(`${name}: rows that do not fit`, () => {
    test('an insert whose key is there is a collision that names the table', async () => {
      for (const rows of [['1'], ['2', '2'], ['3', '4', '3']]) {
        await using trial = begin();
        const sink = await trial.copied([['1', 'a', null]]);
        const changes = rows.map((id) => insert(trial.table, [id, 'b', null]));
        await assert.rejects(apply(sink, upTo(0x200n, changes)), isAbout('key_collision', trial.table));
        await sink.close();
        assert.deepEqual(await trial.rows(), [['1', 'a', null]]);
      }
    });

    test('a copy in which a key comes twice is a collision that names the table', async () => {
      await using trial = begin();
      const twice: Row[] = [
        ['1', 'a', null],
        ['1', 'b', null],
      ];
      await assert.rejects(trial.copied(twice), isAbout('key_collision', trial.table));
    });

    test('after a failure nothing becomes durable until the sink is opened again', async () => {
      await using trial = begin();
      const sink = await trial.copied([['1', 'a', null]]);
      const collision = part([insert(trial.table, ['2', 'b', null]), update(trial.table, ['1', 'A', null])]);
      await sink.write(collision);
      await assert.rejects(sink.write(part([insert(trial.table, ['1', 'again', null])])));
      await assert.rejects(sink.flush(positionAt(0x200n)));
      assert.deepEqual((await sink.open(signal)).position, positionAt(0x100n));
      await apply(sink, upTo(0x200n, [insert(trial.table, ['3', 'c', null])]));
      assert.deepEqual(await trial.rows(), [
        ['1', 'a', null],
        ['3', 'c', null],
      ]);
    });

    test('an update of a row that is not there, and of which a part was not sent, names the table', async () => {
      await using trial = begin();
      const sink = await trial.copied([]);
      const changes = [update(trial.table, ['7', 'g', UNCHANGED])];
      await assert.rejects(apply(sink, upTo(0x200n, changes)), isAbout('row_missing', trial.table));
      await sink.close();
    });
  });
}

function isAbout(code: PgveilError['code'], table: RedactedTable) {
  return (error: PgveilError) => {
    assert.equal(error.code, code);
    assert.equal(error.table, table.name);
    return true;
  };
}
