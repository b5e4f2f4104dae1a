import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Goal } from '../../../../src/pipeline/session/goal.ts';
import { batchAt } from '../parts.ts';

/** A source whose end is at 10, 20, 30 … each time it is asked, and that had something to copy as often as given. */
function source(copies: boolean[]) {
  let end = 0n;
  return {
    end: async () => (end += 10n),
    copied: async () => copies.shift() ?? false,
  };
}

const unheard = () => {};

async function arrives(goal: Promise<void>): Promise<boolean> {
  let has = false;
  void goal.then(() => {
    has = true;
  });
  await nextTurn();
  return has;
}

test('it is reached when the end of the source is durable', async () => {
  let durable = 5n;
  const goal = new Goal(source([true]), (lsn) => durable >= lsn, unheard);
  const reached = goal.reached();
  goal.check();
  assert.equal(await arrives(reached), false);
  durable = 10n;
  goal.check();
  assert.equal(await arrives(reached), true);
});

test('what is copied on the way there moves it', async () => {
  let durable = 10n;
  const goal = new Goal(source([false, true]), (lsn) => durable >= lsn, unheard);
  const reached = goal.reached();
  assert.equal(await arrives(reached), false);
  durable = 20n;
  goal.check();
  assert.equal(await arrives(reached), true);
});

test('once it is known, what was read up to there is awaited', async () => {
  let hurried = 0;
  const goal = new Goal(
    source([true]),
    () => false,
    () => hurried++,
  );
  assert.equal(goal.awaits(batchAt(10n)), false);
  void goal.reached();
  await nextTurn();
  assert.equal(hurried, 1);
  assert.deepEqual(
    [9n, null, 10n, 11n].map((pos) => goal.awaits(batchAt(pos))),
    [false, false, true, true],
  );
});
