import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pgveil } from './fakes.ts';

function remains() {
  const removed: string[] = [];
  const one = (what: string) => ({ what, remove: async () => void removed.push(what) });
  return { removed, remains: [one('replication slot pgveil_shop'), one('publication pgveil_shop')] };
}

test('with --yes it removes what is there and says what that was', async () => {
  const { removed, remains: there } = remains();
  const { exitCode, out } = await pgveil(['drop', '--yes'], { remains: there });
  assert.deepEqual([exitCode, removed.length], [0, 2]);
  assert.equal(out, 'removed replication slot pgveil_shop\nremoved publication pgveil_shop\n');
});

test('JSON lists what was removed, and nothing to remove is no failure', async () => {
  const { exitCode, out } = await pgveil(['drop', '--yes', '--json'], { remains: remains().remains });
  assert.deepEqual(
    [exitCode, JSON.parse(out)],
    [0, { removed: ['replication slot pgveil_shop', 'publication pgveil_shop'] }],
  );
  const nothing = await pgveil(['drop', '--yes']);
  assert.deepEqual([nothing.exitCode, nothing.out], [0, 'there was nothing to remove\n']);
});
