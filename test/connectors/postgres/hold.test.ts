// Two streams that meet at one position: one is held there, and takes tables over from the other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stream } from '../../../connectors/postgres/stream/stream.ts';
import { cells } from './following.ts';
import * as messages from './messages.ts';
import { insert, open } from './opened-stream.ts';

const never = new AbortController().signal;

/** Everything before the stop, as `id` or `event`. */
async function taken(stream: Stream): Promise<string[]> {
  const seen: string[] = [];
  for (let batch = await stream.next(never); batch; batch = await stream.next(never)) {
    seen.push(
      ...batch.events.map(({ type }) => type),
      ...batch.changes.map(({ after }) => cells(after!).split('|')[0]!),
    );
  }
  return seen;
}

async function isPending(work: Promise<unknown>): Promise<boolean> {
  const nothing = Symbol();
  await new Promise(setImmediate);
  return (await Promise.race([work, Promise.resolve(nothing)])) === nothing;
}

test('it stops between two transactions, and looks at none that committed later', async () => {
  const { stream, send } = open(true);
  const reached = stream.stopAt(250n);
  await send(...insert(210n, '1'));
  const later = send(...insert(260n, '2'));
  assert.equal((await reached).pos, 250n);
  assert.deepEqual(await taken(stream), ['1']);
  assert.ok(await isPending(later));
  stream.goOn();
  await later;
  assert.equal(stream.position.pos, 270n);
});

test('a transaction that begins exactly there is not looked at, and one that ends exactly there is', async () => {
  const { stream, send } = open(true);
  await send(...insert(210n, '1'));
  assert.equal((await stream.stopAt(220n)).pos, 220n);
  const later = send(...insert(220n, '2'));
  assert.deepEqual(await taken(stream), ['1']);
  stream.goOn();
  await later;
});

test('inside of a transaction it goes on to its end', async () => {
  const { stream, send } = open(true);
  const [begin, relation, row, commit] = insert(210n, '1');
  await send(begin!, relation!);
  const reached = stream.stopAt(200n);
  assert.ok(await isPending(reached));
  await send(row!, commit!);
  assert.equal((await reached).pos, 220n);
});

test('a keepalive tells that everything before the stop was sent; later ones do not move it', async () => {
  const { stream } = open(true);
  const reached = stream.stopAt(300n);
  stream.keepalive(290n);
  assert.ok(await isPending(reached));
  assert.equal(stream.tick(), true, 'the server is asked how far it is');
  stream.keepalive(310n);
  assert.equal((await reached).pos, 310n);
  stream.keepalive(500n);
  assert.equal(stream.position.pos, 310n);
});

test('what ends the stream ends the wait', async () => {
  const { stream } = open(true);
  const reached = stream.stopAt(300n);
  stream.failed(new Error('gone'));
  await assert.rejects(reached, /gone/);
});

test('a table that is taken over: its rows before are left out, the event stands at the stop, its rows behind are taken', async () => {
  const main = open(false);
  const other = open(true);
  await main.send(...insert(210n, '1'));
  await main.stream.stopAt(220n);
  void other.stream.stopAt(220n);
  await other.send(...insert(210n, '1'));
  assert.deepEqual(await taken(other.stream), ['1']);
  main.stream.takeOver(other.stream.handOver());
  main.stream.goOn();
  // Without another RELATION: what it said last is a question again.
  await main.send(messages.begin(230n), messages.insert(100, ['2', 'x']), messages.commit(230n, 240n));
  void main.stream.stopAt(240n);
  assert.deepEqual(await taken(main.stream), ['copy finished', '2']);
});

test('two that want to hold it do so one after the other; who gave up waiting holds nobody up', async () => {
  const { stream, send } = open(true);
  const first = await stream.hold(() => 200n, never);
  const gone = new AbortController();
  const given = stream.hold(() => 0n, gone.signal);
  const second = stream.hold(() => stream.position.pos + 60n, never);
  gone.abort(new Error('given up'));
  await assert.rejects(given, /given up/);
  const change = send(...insert(210n, '1'));
  assert.ok(await isPending(change), 'held by the first');
  assert.ok(await isPending(second));
  first.release();
  await change;
  assert.ok(await isPending(second), 'nobody got to 260 yet');
  const later = send(...insert(290n, '2'));
  assert.equal((await second).position.pos, 260n);
  assert.ok(await isPending(later), 'held by the second');
  (await second).release();
  await later;
});

test('whoever holds a stream has it until it lets go of it, though its signal aborts meanwhile', async () => {
  const { stream, send } = open(true);
  const gone = new AbortController();
  const first = await stream.hold(() => 200n, gone.signal);
  const second = stream.hold(() => 200n, never);
  const sent = send(...insert(300n, 'a'));
  gone.abort();
  const isSecond = () =>
    Promise.race([second.then(() => true), new Promise((resolve) => setImmediate(resolve, false))]);
  assert.equal(await isSecond(), false, 'it is not its turn');
  first.release();
  (await second).release();
  await sent;
});
