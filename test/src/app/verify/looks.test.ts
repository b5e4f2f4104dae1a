import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sides } from '../../../../src/app/assembly.ts';
import { Looks, type Quiet } from '../../../../src/app/verify/looks.ts';
import { isEqual, type Verified, verify } from '../../../../src/app/verify/verify.ts';
import type { Checkpoint, TableState } from '../../../../src/core/checkpoint.ts';
import type { Comparison } from '../../../../src/core/comparison.ts';
import type { PgveilError } from '../../../../src/core/errors.ts';
import type { Target } from '../../../../src/core/target.ts';
import { sketchTable } from '../../../support/batches.ts';

const TABLE = sketchTable({ relation: 'a', columns: { id: 'integer' }, key: ['id'] });
const LONG_MS = 60_000;
const STREAMING: TableState = { state: 'streaming' };

function checkpoint(pos: bigint, state = STREAMING, generation = 1): Checkpoint {
  const entry = { oid: TABLE.oid, plan: 'plan', generation, state };
  return {
    position: { pos, witness: null, history: {} },
    tables: new Map([[TABLE.name, entry]]),
  } as unknown as Checkpoint;
}

interface Fake {
  /** What the sink holds at each question, the last one from then on. */
  readonly stored: readonly Checkpoint[];
  readonly isFed?: boolean;
  readonly source?: string;
  readonly restMs?: number;
}

/** An empty table, whose source ends at 100. */
class FakeSides implements Sides {
  readonly #fake: Fake;
  asked = 0;
  open = 0;

  constructor(fake: Fake) {
    this.#fake = fake;
  }

  get sinks(): ReadonlyMap<string, Target> {
    const comparison: Comparison = {
      restMs: this.#fake.restMs ?? LONG_MS,
      expect: async () => Buffer.alloc(0),
      look: async () => {
        this.open++;
        return { checkpoint: this.#next(), rows: none, close: async () => void this.open-- };
      },
    };
    const comparer = { of: () => comparison, checkpoint: async () => this.#next(), close: async () => {} };
    const target = { comparer: () => comparer };
    return new Map([['twin', target as unknown as Target]]);
  }

  source(_tables: readonly string[]) {
    const look = async () => {
      if (this.#fake.source !== undefined) return this.#fake.source;
      this.open++;
      return { table: TABLE, end: 100n, rows: none, close: async () => void this.open-- };
    };
    return { look, close: async () => {} };
  }

  async isFed() {
    return this.#fake.isFed ?? true;
  }

  #next(): Checkpoint {
    return this.#fake.stored[Math.min(this.asked++, this.#fake.stored.length - 1)]!;
  }
}

async function* none(): AsyncGenerator<Buffer> {}

function optionsOf(sides: Sides, timeoutMs = LONG_MS, quiet: Quiet = { pos: -1n, end: -1n }) {
  const [source, comparer] = [sides.source([TABLE.name]), sides.sinks.get('twin')!.comparer()];
  return { sides, source, comparer, sink: 'twin', table: TABLE.name, timeoutMs, quiet, observe: () => {} };
}

/** What a patient look comes to. */
async function look(fake: Fake, timeoutMs?: number): Promise<{ sides: FakeSides; quiet: Quiet }> {
  const sides = new FakeSides(fake);
  const options = optionsOf(sides, timeoutMs);
  const looks = await Looks.begin(options);
  const one = await looks.open(true);
  await one.close();
  assert.equal(sides.open, 0, 'everything is closed again');
  return { sides, quiet: options.quiet };
}

const FAR = 10_000_000n;

describe('a look', () => {
  test('waits until the sink has all that the source shows', async () => {
    const { sides } = await look({ stored: [1n, 1n, 50n, 99n, 100n].map((pos) => checkpoint(pos)) });
    assert.equal(sides.asked, 5);
  });

  test('of an idle source ends when a commit would have come, and the next one does not wait again', async () => {
    const stored = [checkpoint(90n)];
    const { quiet } = await look({ stored, restMs: 50 });
    assert.deepEqual(quiet, { pos: 90n, end: 100n });
    const sides = new FakeSides({ stored });
    const looks = await Looks.begin(optionsOf(sides, 0, quiet));
    await (await looks.open(true)).close();
    assert.equal(sides.asked, 2);
  });

  test('does not wait where nobody reads from the slot', async () => {
    const { sides } = await look({ stored: [checkpoint(1n - FAR)], isFed: false });
    assert.equal(sides.asked, 2);
  });

  test('of a sink that stays far behind fails, and says where it stands', async () => {
    const failed = look({ stored: [checkpoint(100n - FAR)] }, 200);
    await assert.rejects(failed, (error: PgveilError) => {
      assert.equal(error.code, 'timed_out');
      assert.match(error.message, /^sink twin is at .* did not reach 0\/64 in time$/);
      return true;
    });
  });
});

async function verifiedOf(fake: Fake): Promise<Verified> {
  const sides = new FakeSides(fake);
  const options = { sides, tables: [TABLE.name], sinks: ['twin'], share: 1, timeoutMs: LONG_MS };
  for await (const one of verify({ ...options, begun: () => {}, observe: () => {} })) return one;
  throw new Error('nothing was verified');
}

describe('a table is skipped, with its reason,', () => {
  const reasons: [string, Fake, RegExp][] = [
    ['where it is stale', { stored: [checkpoint(100n, { state: 'stale', since: 1n, reason: 'why' })] }, /^stale: why$/],
    ['where it is halted', { stored: [checkpoint(100n, { state: 'halted', code: 'no_key' })] }, /^halted: no_key$/],
    ['where it never was copied', { stored: [checkpoint(100n, { state: 'absent' })] }, /^not copied yet$/],
    ['where the source has another', { stored: [checkpoint(100n)], source: 'another one' }, /^another one$/],
    [
      'where it is copied anew meanwhile',
      { stored: [checkpoint(100n), checkpoint(100n), checkpoint(100n, STREAMING, 2)] },
      /^it was copied anew meanwhile$/,
    ],
    [
      'where it stops meanwhile',
      { stored: [checkpoint(100n), checkpoint(100n, { state: 'halted', code: 'rule_failed' })] },
      /^halted: rule_failed$/,
    ],
  ];
  for (const [name, fake, reason] of reasons) {
    test(name, async () => {
      const verified = await verifiedOf(fake);
      assert.ok('skipped' in verified.result);
      assert.match(verified.result.skipped, reason);
      assert.ok(isEqual(verified), 'nothing that was compared differs');
    });
  }

  test('and is equal otherwise', async () => {
    const { result } = await verifiedOf({ stored: [checkpoint(100n)] });
    assert.equal('compared' in result && result.compared, 0);
  });
});
