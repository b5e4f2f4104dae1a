import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Goal } from '../../../src/pipeline/goal.ts';

/** A source whose end is at 10, 20, 30 … each time it is asked, and that had something to copy as often as given. */
function source(copies: boolean[]) {
  let end = 0n;
  return {
    end: async () => (end += 10n),
    copied: async () => copies.shift() ?? false,
  };
}

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
  const goal = new Goal(source([true]), (lsn) => durable >= lsn);
  const reached = goal.reached();
  goal.check();
  assert.equal(await arrives(reached), false);
  durable = 10n;
  goal.check();
  assert.equal(await arrives(reached), true);
});

test('what is copied on the way there moves it', async () => {
  let durable = 10n;
  const goal = new Goal(source([false, true]), (lsn) => durable >= lsn);
  const reached = goal.reached();
  assert.equal(await arrives(reached), false);
  durable = 20n;
  goal.check();
  assert.equal(await arrives(reached), true);
});
