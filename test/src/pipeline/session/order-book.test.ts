import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawBatch } from '../../../../src/core/batch.ts';
import type { Table } from '../../../../src/core/table.ts';
import { Desk } from '../../../../src/pipeline/desk.ts';
import { OrderBook } from '../../../../src/pipeline/session/order-book.ts';
import { batchAt, MemorySink, PassingRedactor, ScriptedSource } from '../parts.ts';

const T = 'public.t';

/** A source that has a definition, and that remembers what was ordered. */
class Ordered extends ScriptedSource {
  readonly ordered: [string, string | null][] = [];
  override recopy(table: string, approved: string | null) {
    this.ordered.push([table, approved]);
  }
  override async look() {
    return {} as Table<'raw'>;
  }
}

function bookOf(...sinks: string[]) {
  const source = new Ordered(() => []);
  const redactor = new PassingRedactor();
  const healed: string[] = [];
  const parts = { source, redactor, sinks: new Map(sinks.map((name) => [name, new MemorySink()])) };
  return { source, redactor, healed, book: new OrderBook(parts, (table) => healed.push(table)) };
}

const ordering = (name: string): RawBatch => ({
  ...batchAt(1n),
  events: [{ type: 'ordered', name, approved: null }],
});

/** Whether it is settled by now. */
async function isDone(work: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([work, Promise.resolve(pending)])) !== pending;
}

test('the answer comes when every sink holds the batch that says so, and not with one before', async () => {
  const { book, source, healed } = bookOf('one', 'two');
  const taken = book.take({ recopy: [T], approve: [] });
  assert.deepEqual(source.ordered, [[T, null]]);
  book.pushed(batchAt(1n));
  book.pushed(ordering('public.other'));
  book.pushed(ordering(T));
  book.durable('one', 3);
  book.durable('two', 2);
  assert.equal(await isDone(taken), false);
  assert.deepEqual(healed, []);
  book.durable('two', 3);
  await taken;
  assert.deepEqual(healed, [T]);
});

test('the definition that stands now is approved and no other, and nothing where no name has moved', async () => {
  const { book, source, redactor } = bookOf('one');
  await assert.rejects(book.take({ recopy: [], approve: [{ table: T, hash: 'a' }] }), { code: 'approve_refused' });
  await assert.rejects(book.approval(T), { code: 'approve_refused' });
  redactor.approved = { hash: 'b', moved: 'the column x is now called y' };
  assert.deepEqual(await book.approval(T), redactor.approved);
  await assert.rejects(book.take({ recopy: [], approve: [{ table: T, hash: 'a' }] }), {
    code: 'approve_refused',
    message: 'public.t: the column x is now called y. The definition as it stands is public.t@b',
    fix: "pgveil approve 'public.t@b'",
  });
  assert.deepEqual(source.ordered, []);
  const taken = book.take({ recopy: [], approve: [{ table: T, hash: 'b' }] });
  assert.equal(await isDone(taken), false);
  assert.deepEqual(source.ordered, [[T, 'b']]);
  book.pushed(ordering(T));
  book.durable('one', 1);
  await taken;
});

test('what is not durable when the session ends was not taken', async () => {
  const { book } = bookOf('one');
  const taken = book.take({ recopy: [T], approve: [] });
  book.close();
  await assert.rejects(taken, { code: 'interrupted' });
  assert.throws(() => new Desk().clerk, { code: 'interrupted' });
});
