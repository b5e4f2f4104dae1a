import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ASK_AFTER_MS,
  DOUBT_AFTER_MS,
  Liveness,
  statusInterval,
} from '../../../../connectors/postgres/stream/liveness.ts';

test('a status goes out at least thrice in wal_sender_timeout, and once a second where that is long or off', () => {
  assert.equal(statusInterval(60_000), 1000);
  assert.equal(statusInterval(0), 1000);
  assert.equal(statusInterval(1_500), 500);
  assert.equal(statusInterval(1), 50);
});

/** What another connection is asked, and answers when the test says so. */
class Elsewhere {
  readonly asked: PromiseWithResolvers<'there' | 'gone'>[] = [];
  readonly whereabouts = () => {
    this.asked.push(Promise.withResolvers());
    return this.asked.at(-1)!.promise;
  };

  async answer(found: 'there' | 'gone'): Promise<void> {
    this.asked.at(-1)!.resolve(found);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Ticks once a second for so many seconds, not hearing anything, and gives what it said last. */
function silence(liveness: Liveness, from: number, to: number, listening = true): string {
  let said = '';
  for (let now = from; now <= to; now += 1000) said = liveness.tick(now, listening);
  return said;
}

test('a server that is silent is asked first, then asked about, and given up when it knows nothing of us', async () => {
  const elsewhere = new Elsewhere();
  const liveness = new Liveness(1000, 0, elsewhere.whereabouts);
  assert.equal(silence(liveness, 1000, ASK_AFTER_MS - 1000), 'well');
  assert.equal(silence(liveness, ASK_AFTER_MS, DOUBT_AFTER_MS - 1000), 'ask');
  assert.equal(elsewhere.asked.length, 0);
  assert.equal(silence(liveness, DOUBT_AFTER_MS, DOUBT_AFTER_MS + 5000), 'ask', 'until there is an answer');
  assert.equal(elsewhere.asked.length, 1, 'once at a time');
  await elsewhere.answer('gone');
  assert.equal(liveness.tick(DOUBT_AFTER_MS + 6000, true), 'gone');
});

test('a walsender that decodes for minutes without a word is waited for as long as it is there', async () => {
  const elsewhere = new Elsewhere();
  const liveness = new Liveness(1000, 0, elsewhere.whereabouts);
  let now = 0;
  const tick = () => {
    now += 1000;
    return liveness.tick(now, true);
  };
  const untilAsked = (times: number) => {
    while (elsewhere.asked.length < times) assert.notEqual(tick(), 'gone');
  };
  for (let times = 1; times <= 20; times++) {
    untilAsked(times);
    await elsewhere.answer('there');
  }
  assert.ok(now >= 20 * DOUBT_AFTER_MS, `not asked about at every tick: 20 times in ${now} ms`);
  untilAsked(21);
  await elsewhere.answer('gone');
  assert.equal(tick(), 'gone');
});

test('a sign of life starts the time anew, and outweighs what another connection says of the time before', async () => {
  const elsewhere = new Elsewhere();
  const liveness = new Liveness(1000, 0, elsewhere.whereabouts);
  silence(liveness, 1000, 29_000);
  liveness.heard(29_500);
  await elsewhere.answer('gone');
  assert.equal(silence(liveness, 30_000, 39_000), 'well');
  assert.equal(silence(liveness, 40_000, 45_000), 'ask');
  await elsewhere.answer('gone');
  liveness.heard(45_500);
  assert.equal(liveness.tick(46_000, true), 'well');
});

test('a server that we do not listen to is not blamed for it, however long', () => {
  const elsewhere = new Elsewhere();
  const liveness = new Liveness(1000, 0, elsewhere.whereabouts);
  assert.equal(silence(liveness, 1000, 3_600_000, false), 'well');
  assert.equal(silence(liveness, 3_601_000, 3_609_000), 'well');
  assert.equal(elsewhere.asked.length, 0);
});

test('a process that was stopped for minutes does not blame the server', async () => {
  const elsewhere = new Elsewhere();
  const liveness = new Liveness(1000, 0, elsewhere.whereabouts);
  silence(liveness, 1000, 5000);
  assert.equal(liveness.tick(300_000, true), 'well');
  assert.equal(silence(liveness, 301_000, 309_000), 'well');
  assert.equal(elsewhere.asked.length, 0);
  assert.equal(silence(liveness, 310_000, 315_000), 'ask');
  await elsewhere.answer('gone');
  assert.equal(silence(liveness, 316_000, 316_000), 'gone');
});
