import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { projectRoot } from '../../support/project.ts';

/** In a process of its own, since V8's flags are of a whole process: megabytes of new space before and behind a pause, and under load again. */
const PROGRAM = `
  import ${JSON.stringify(pathToFileURL(join(projectRoot, 'src/app/heap.ts')).href)};
  import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
  import { runInNewContext } from 'node:vm';
  import { setImmediate as nextTurn } from 'node:timers/promises';

  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const newSpace = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20;

  async function work() {
    let alive = [];
    for (let turn = 0; turn < 400; turn++) {
      for (let row = 0; row < 2_000; row++) alive.push({ turn, row, cells: [row, 'a' + row] });
      if (alive.length > 100_000) alive = alive.slice(50_000);
      await nextTurn();
    }
    return newSpace();
  }

  const before = await work();
  collect({ flavor: 'last-resort' }); // as V8 does by itself where little is allocated for a while
  collect({ flavor: 'last-resort' });
  const pause = newSpace();
  console.log(JSON.stringify({ before, pause, behind: await work() }));
`;

test('the new space is as large behind a pause as before it, and no larger than rows need', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM]);
  const { before, pause, behind } = JSON.parse(stdout);
  assert.ok(pause < 16, `${pause} MB in the pause: V8 did not make it small`);
  for (const size of [before, behind]) assert.ok(size >= 16 && size <= 32, `${size} MB under load`);
});
