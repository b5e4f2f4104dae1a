import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type pg from 'pg';
import { CopySlot } from '../../../../connectors/postgres/slot/copy-slot.ts';
import { PgveilError } from '../../../../src/core/errors.ts';
import type { Observation, SlotSeen } from '../../../../src/core/observer.ts';

const MB = 1024 ** 2;
const FIRED = { code: '57P01', message: 'terminating connection due to administrator command' };

/** A slot whose server says that it kept so much, and would keep `limit`; in files of 16 MB. */
function slotOf(kept = 0, limit: number | null = null) {
  const walsender = new EventEmitter();
  const told: Observation[] = [];
  let tell: ((seen: SlotSeen | null) => void) | null = null;
  const answer = { restart: '0/0', retained: '0', wal_end: '0/10', kept, segment: 16 * MB, limit };
  const client = { query: async () => ({ rows: [answer] }) } as unknown as pg.Client;
  const slot = new CopySlot({
    name: 'copy',
    walsender: walsender as pg.Client,
    use: (work) => work(client),
    follow: (_, given) => {
      tell = given;
      return () => {
        tell = null;
      };
    },
    observe: (seen) => told.push(seen),
  });
  const seen = { type: 'slot', name: 'copy', end: 1n, retainedBytes: 7, walStatus: 'reserved', safeBytes: 1 } as const;
  return { slot, walsender, told, seen, tell: (what: SlotSeen | null) => tell?.(what) };
}

test('it is told of while it is seen, and that it is over; one that was never looked at is not told of', () => {
  const { slot, told, tell, seen } = slotOf();
  tell(seen);
  slot.end();
  tell(seen);
  assert.deepEqual(told, [
    { type: 'copy slot', name: 'copy', seen },
    { type: 'copy slot', name: 'copy', seen: null },
  ]);
  const short = slotOf();
  short.slot.end();
  assert.deepEqual(short.told, []);
});

test('it is lost when its walsender ends, or when nobody finds it any more; not by the end of its own copy', () => {
  const ended = slotOf();
  ended.walsender.emit('error', FIRED);
  ended.walsender.emit('end');
  assert.equal(ended.slot.lost.reason.code, 'source_closing');
  const gone = slotOf();
  gone.tell(null);
  assert.equal(gone.slot.lost.reason.code, 'source_away');
  const over = slotOf();
  over.slot.end();
  over.walsender.emit('end');
  assert.equal(over.slot.lost.aborted, false);
});

test('a copy that failed by its slot says so where that kept more than the server may keep', async () => {
  const explained = async (kept: number, limit: number | null) => {
    const { slot, walsender } = slotOf(kept, limit);
    walsender.emit('error', FIRED);
    return (await slot.explain(slot.lost.reason)) as PgveilError;
  };
  const { code, message } = await explained(95 * MB, 100 * MB);
  assert.equal(code, 'copy_slot_lost');
  assert.match(message, /kept 95 MB of WAL: max_slot_wal_keep_size is 100 MB/);
  assert.equal((await explained(84 * MB, 100 * MB)).code, 'source_closing');
  assert.equal((await explained(999 * MB, null)).code, 'source_closing');
});

test('what is not about the slot stays what it is', async () => {
  const { slot } = slotOf(999 * MB, MB);
  const blocked = new PgveilError('slot_blocked', 'm');
  const defect = new TypeError('m');
  const worker = new PgveilError('source_away', 'the connection of a worker ended');
  assert.equal(await slot.explain(blocked), blocked);
  assert.equal(await slot.explain(defect), defect);
  assert.equal(await slot.explain(worker), worker);
});
