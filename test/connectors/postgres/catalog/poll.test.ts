import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogPoll } from '../../../../connectors/postgres/catalog/poll.ts';
import type { Reading } from '../../../../connectors/postgres/catalog/reading.ts';

test('one look at a time, and the next one two seconds after the last began', async () => {
  const looks: PromiseWithResolvers<Reading>[] = [];
  const seen: unknown[] = [];
  const failed: unknown[] = [];
  const look = () => {
    looks.push(Promise.withResolvers());
    return looks.at(-1)!.promise;
  };
  const poll = new CatalogPoll(
    look,
    (reading) => seen.push(reading),
    (error) => failed.push(error),
  );
  poll.tick(0);
  poll.tick(5000);
  assert.equal(looks.length, 1);
  const reading = { lsn: 1n } as Reading;
  looks[0]!.resolve(reading);
  await settled();
  poll.tick(1999);
  assert.equal(looks.length, 1);
  poll.tick(2000);
  assert.equal(looks.length, 2);
  looks[1]!.reject('away');
  await settled();
  assert.deepEqual([seen, failed], [[reading], ['away']]);
});

/** All that was resolved has been told. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
