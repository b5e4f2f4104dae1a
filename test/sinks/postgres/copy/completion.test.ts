import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Completions } from '../../../../sinks/postgres/copy/completion.ts';
import type { Session } from '../../../../sinks/postgres/session.ts';
import type { TwinTable } from '../../../../sinks/postgres/twin-table.ts';
import type { TableEntry } from '../../../../src/core/checkpoint.ts';

test('whoever waits for a copy that no flush came for hears why the sink was closed', async () => {
  const session = { closing: new AbortController().signal, connect: () => new Promise(() => {}) };
  const completions = new Completions(session as unknown as Session);
  completions.build({ source: { name: 'public.t' } } as TwinTable, 1);
  completions.finish('public.t', {} as TableEntry);
  const settled = completions.settled('public.t');
  completions.close(new Error('the disk is full'));
  await assert.rejects(settled, { message: 'the disk is full' });
});
