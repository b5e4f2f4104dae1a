import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from '../soak/soak.ts';

// Three minutes of what `npm run torture -- --only soak` does for an hour.

test('three sinks under 1,000 changes a second hold each of them once, whatever fails every 24 seconds', async () => {
  const said: string[] = [];
  const say = (text: string) => said.push(text);
  const options = { minutes: 3, faultEverySeconds: 24, changesPerSecond: 1_000, seed: 7, say };
  const { problems, faults, once } = await soak(options);
  assert.deepEqual(problems, [], said.join('\n'));
  assert.equal(faults.length, 7);
  assert.ok(once.lake.events > 0 && once.topics.events > 0);
});
