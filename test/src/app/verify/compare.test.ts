import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare, type Look } from '../../../../src/app/verify/compare.ts';
import { DigestWriter, keyOf, shownKey } from '../../../../src/core/digest.ts';

/** Rows by their keys. A version that is given tells one write of a row from the next. */
type Table = Record<string, string>;

function digests(rows: Table, version = ''): Buffer {
  const writer = new DigestWriter();
  for (const [key, row] of Object.entries(rows)) {
    writer.add(Buffer.from(key), Buffer.from(`${key} ${row}`), Buffer.from(`${row}${version}`));
  }
  return writer.take();
}

async function* once(rows: Buffer) {
  yield rows;
}

/** Looks that show one pair of tables after another, and the last one from then on. */
function looksOf(shown: readonly (readonly [source: Table, sink: Table, version?: string])[]) {
  const opened: { patient: boolean; isClosed: boolean }[] = [];
  const open = async (patient: boolean): Promise<Look> => {
    const [source, sink, version] = shown[Math.min(opened.length, shown.length - 1)]!;
    const one = { patient, isClosed: false };
    opened.push(one);
    const close = async () => {
      one.isClosed = true;
    };
    return { expected: () => once(digests(source)), held: () => once(digests(sink, version)), close };
  };
  return { open, opened };
}

function hashOf(key: string): string {
  return shownKey(keyOf(digests({ [key]: '' }), 0));
}

const EQUAL = { missing: 0, extra: 0, different: 0, unsettled: 0, atLeast: false, examples: [] };

describe('two sides', () => {
  test('that are equal are read once, in whichever order their rows come', async () => {
    const { open, opened } = looksOf([
      [
        { a: '1', b: '2', c: '3' },
        { c: '3', a: '1', b: '2' },
      ],
    ]);
    assert.deepEqual(await compare(open), { ...EQUAL, compared: 3 });
    assert.deepEqual(opened, [{ patient: false, isClosed: true }]);
  });

  test('that differ in the same way at three looks do differ', async () => {
    const { open, opened } = looksOf([
      [
        { a: '1', b: '2', c: '3' },
        { b: 'two', c: '3', d: '4' },
      ],
    ]);
    const { examples, ...figures } = await compare(open);
    assert.deepEqual(figures, { compared: 4, missing: 1, extra: 1, different: 1, unsettled: 0, atLeast: false });
    assert.deepEqual([...examples].sort(), ['a', 'b', 'd'].map(hashOf).sort());
    assert.deepEqual(
      opened.map(({ patient }) => patient),
      [false, true, true],
    );
    assert.ok(opened.every(({ isClosed }) => isClosed));
  });

  test('that swapped two rows differ', async () => {
    const { open } = looksOf([
      [
        { a: '1', b: '2' },
        { a: '2', b: '1' },
      ],
    ]);
    assert.equal((await compare(open)).different, 2);
  });

  test('that were not at one place when they were read first are equal', async () => {
    const { open, opened } = looksOf([
      [
        { a: '1', gone: 'x' },
        { a: '2', new: 'y' },
      ],
      [
        { a: '2', new: 'y' },
        { a: '2', new: 'y' },
      ],
    ]);
    assert.deepEqual(await compare(open), { ...EQUAL, compared: 2 });
    assert.equal(opened.length, 2);
  });

  test('of which the sink is always further on are equal: it held what the source shows at the next look', async () => {
    const { open } = looksOf([
      [{ a: '1' }, { a: '2' }],
      [{ a: '2' }, { a: '3' }],
    ]);
    assert.deepEqual(await compare(open), { ...EQUAL, compared: 1 });
  });

  test('one of which is written all the time are neither equal nor different', async () => {
    const shown = Array.from({ length: 10 }, (_, at): [Table, Table] => [{ a: `${2 * at}` }, { a: `${2 * at + 1}` }]);
    assert.deepEqual(await compare(looksOf(shown).open), { ...EQUAL, compared: 1, unsettled: 1 });
  });

  test('whose rows look the same as before, written anew, are not different before they hold still', async () => {
    const versions = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const { open } = looksOf(versions.map((version) => [{ a: '1' }, { a: '2' }, version]));
    assert.deepEqual(await compare(open), { ...EQUAL, compared: 1, unsettled: 1 });
  });

  test('of a sample are compared by the same keys, whatever else differs', async () => {
    const rows = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`key ${at}`, 'row']));
    const { compared } = await compare(looksOf([[rows, rows]]).open, 0.1);
    assert.ok(compared > 60 && compared < 140, String(compared));
    assert.deepEqual(await compare(looksOf([[rows, {}]]).open, 0.1).then(({ missing }) => missing), compared);
  });
});
