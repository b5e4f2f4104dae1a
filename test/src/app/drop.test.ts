import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Place } from '../../../src/app/assembly.ts';
import { type ErrorCode, PgveilError } from '../../../src/core/errors.ts';
import type { Left } from '../../../src/core/target.ts';
import { configText, pgveil } from './fakes.ts';

/** Places by name: what lies there, or the code of the error that they answer with. What cannot be removed ends with `: CODE`. */
function world(places: Record<string, readonly string[] | ErrorCode>, others: Left['others'] = []) {
  const removed: string[] = [];
  const one = (spelt: string) => {
    const [what = '', code] = spelt.split(': ');
    const remove = async () => {
      if (code) throw new PgveilError(code as ErrorCode, `${what} cannot be removed`);
      removed.push(what);
    };
    return { what, remove };
  };
  const placeOf = ([name, left]: [string, readonly string[] | ErrorCode]): Place => ({
    name,
    look: async () => {
      if (typeof left === 'string') throw new PgveilError(left, `${name}: ECONNREFUSED`);
      return { remains: left.map(one), others: name === 'source' ? others : [] };
    },
  });
  return { removed, places: Object.entries(places).map(placeOf) };
}

const SOURCE = ['slot', 'publication'];

async function dropped(places: readonly Place[]) {
  const { exitCode, out } = await pgveil(['drop', '--data', '--yes', '--json'], { places });
  const { removed, left_alone, errors } = JSON.parse(out);
  return {
    exitCode,
    removed,
    left_alone,
    errors: errors.map(({ code, object }: Record<string, string>) => [code, object]),
  };
}

test('with --yes it removes what is there and says what that was', async () => {
  const { removed, places } = world({ source: SOURCE });
  const { exitCode, out } = await pgveil(['drop', '--yes'], { places });
  assert.deepEqual([exitCode, removed], [0, SOURCE]);
  assert.equal(out, 'removed slot\nremoved publication\n');
});

test('JSON lists what was removed, and nothing to remove is no failure', async () => {
  const all = { exitCode: 0, left_alone: [], errors: [] };
  assert.deepEqual(await dropped(world({ source: SOURCE }).places), { ...all, removed: SOURCE });
  const nothing = await pgveil(['drop', '--yes']);
  assert.deepEqual([nothing.exitCode, nothing.out], [0, 'there was nothing to remove\n']);
});

test('what is somebody else’s stays, and is said to', async () => {
  const { places } = world({ source: [] }, ['slot standby1 (physical)']);
  const { exitCode, out } = await pgveil(['drop', '--yes'], { places });
  assert.deepEqual(
    [exitCode, out],
    [0, 'there was nothing to remove\nnot pgveil’s, left alone: slot standby1 (physical)\n'],
  );
  assert.deepEqual((await dropped(places)).left_alone, ['slot standby1 (physical)']);
});

test('a source that is gone keeps nothing in the sinks, and a sink that is away nothing on the source', async () => {
  const orphans = world({ source: 'source_away', twin: ['tables'], lake: ['lake'] });
  assert.deepEqual(await dropped(orphans.places), {
    exitCode: 1,
    removed: ['tables', 'lake'],
    left_alone: [],
    errors: [['source_away', 'source']],
  });
  const { exitCode, removed, errors } = await dropped(
    world({ source: SOURCE, twin: 'twin_away', lake: ['lake'] }).places,
  );
  assert.deepEqual([exitCode, removed, errors], [1, [...SOURCE, 'lake'], [['twin_away', 'twin']]]);
});

test('people read what is left with its fix, and what only a person can mend ends with 3', async () => {
  const { places } = world({ source: 'credentials_refused', twin: 'twin_away', lake: ['lake'] });
  const { exitCode, out } = await pgveil(['drop', '--data', '--yes'], { places });
  assert.equal(exitCode, 3);
  const [removed, refused, , again, away] = out.split('\n');
  assert.deepEqual([removed, refused], ['removed lake', 'error: credentials_refused: source: source: ECONNREFUSED']);
  assert.match(again!, /^ +Then the same command again removes what is left\.$/);
  assert.equal(away, 'error: twin_away: twin: twin: ECONNREFUSED');
});

test('what cannot be removed keeps what stands behind it in that place, and nothing in another', async () => {
  const { places } = world({ source: SOURCE, topics: ['a', 'b: kafka_away', 'checkpoint'], lake: ['lake'] });
  const { exitCode, removed, errors } = await dropped(places);
  assert.deepEqual([exitCode, removed, errors], [1, [...SOURCE, 'a', 'lake'], [['kafka_away', 'b']]]);
});

test('while somebody reads from a slot nothing is removed anywhere', async () => {
  const { removed, places } = world({ twin: ['tables'], source: 'slot_in_use' });
  const { exitCode, out, err } = await pgveil(['drop', '--data', '--yes'], { places });
  assert.deepEqual([exitCode, out, removed], [1, '', []]);
  assert.match(err, /^error: slot_in_use: /);
});

test('once somebody reads from a slot again nothing more is removed', async () => {
  const { exitCode, removed, errors } = await dropped(
    world({ source: ['slot: slot_in_use', 'publication'], twin: ['tables'] }).places,
  );
  assert.deepEqual([exitCode, removed, errors], [1, [], [['slot_in_use', 'slot']]]);
});

test('a process that listens for commands runs, also where the source cannot tell', async () => {
  const { removed, places } = world({ source: 'source_away', twin: ['tables'] });
  const folder = mkdtempSync(join(tmpdir(), 'pgveil-'));
  const control = join(folder, 'control.sock');
  const process = createServer().listen(control);
  await once(process, 'listening');
  const config = `${configText()}control: ${control}\n`;
  const { exitCode, err } = await pgveil(['drop', '--data', '--yes'], { places, config });
  process.close();
  rmSync(folder, { recursive: true });
  assert.deepEqual([exitCode, removed], [1, []]);
  assert.match(err, /slot_in_use: shop is running\n/);
});
