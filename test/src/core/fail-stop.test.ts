import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PgveilError } from '../../../src/core/errors.ts';
import { FailStop } from '../../../src/core/fail-stop.ts';

const first = new PgveilError('kafka_rights', 'the first');
const second = new PgveilError('kafka_away', 'because of the first');
const closed = { code: 'kafka_away', message: 'closed' };

/** Notes what is let go of, and what is told then. */
function begin() {
  const ends: [string, unknown][] = [];
  const held = new FailStop<string>('kafka_away', (opened, reason) => void ends.push([opened, reason]));
  return { held, ends, open: (name: string) => held.open(async () => name) };
}

function failWith(error: unknown) {
  return () => Promise.reject(error);
}

test('what was never opened, or was closed, is closed: with the code that it was given', async () => {
  const { held, open, ends } = begin();
  assert.throws(() => held.opened(), closed);
  await open('a');
  await held.close();
  await held.close();
  assert.throws(() => held.opened(), closed);
  await assert.rejects(held.orClose(failWith(first)), closed);
  assert.deepEqual(
    ends.map(([opened]) => opened),
    ['a'],
  );
});

test('work gets what is open and gives its result, and what is open stays so', async () => {
  const { held, open, ends } = begin();
  assert.equal(await open('a'), 'a');
  assert.equal(await held.orClose(async (opened) => `${opened}b`), 'ab');
  assert.equal(held.opened(), 'a');
  assert.deepEqual(ends, []);
});

test('a failure closes, and is what everything fails for until it is opened again', async () => {
  const { held, open, ends } = begin();
  await open('a');
  await assert.rejects(held.orClose(failWith(first)), first);
  assert.deepEqual(ends, [['a', first]]);
  await held.close();
  assert.throws(() => held.opened(), first);
  await assert.rejects(held.orClose(failWith(second)), first);
  await open('b');
  assert.equal(held.opened(), 'b');
  await held.close();
  assert.throws(() => held.opened(), closed);
});

test('what was under way when the first failed fails for that one, whatever came of it', async () => {
  const { held, open, ends } = begin();
  await open('a');
  const [done, failed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const late = [held.orClose(() => done.promise), held.orClose(() => failed.promise)];
  await assert.rejects(held.orClose(failWith(first)), first);
  done.resolve();
  failed.reject(second);
  await Promise.all(late.map((work) => assert.rejects(work, first)));
  assert.deepEqual(ends, [['a', first]]);
});

test('work of before does not end what was opened since', async () => {
  const { held, open, ends } = begin();
  await open('a');
  const failed = Promise.withResolvers<void>();
  const late = held.orClose(() => failed.promise);
  await open('b');
  failed.reject(second);
  await assert.rejects(late, closed);
  assert.equal(held.opened(), 'b');
  assert.deepEqual(
    ends.map(([opened]) => opened),
    ['a'],
  );
});

test('what cannot be opened is closed', async () => {
  const { held, open } = begin();
  await open('a');
  await assert.rejects(held.orClose(failWith(first)), first);
  await assert.rejects(held.open(failWith(second)), second);
  assert.throws(() => held.opened(), closed);
});

test('a failure is told also where closing fails because of it', async () => {
  const held = new FailStop<string>('kafka_away', () => Promise.reject(second));
  await held.open(async () => 'a');
  await assert.rejects(held.orClose(failWith(first)), first);
  assert.throws(() => held.opened(), first);
});
