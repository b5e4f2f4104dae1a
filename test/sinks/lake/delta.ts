// What tests of the lake's log stand on.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Action, Add } from '../../../sinks/lake/delta/action.ts';
import { Duck } from '../../../sinks/lake/parquet/duck.ts';

export async function openDuck(): Promise<Duck> {
  return await Duck.open(await mkdtemp(join(tmpdir(), 'pgveil-duck-')));
}

export function addOf(path: string, changed: Partial<Add> = {}): Action {
  const partitionValues = { _date: '2026-11-21' };
  return {
    add: {
      path,
      partitionValues,
      size: 10,
      modificationTime: 1,
      dataChange: true,
      stats: '{"numRecords":1}',
      ...changed,
    },
  };
}

export function removeOf(path: string, dataChange = true): Action {
  return { remove: { path, deletionTimestamp: Date.now(), dataChange } };
}

export function txnOf(version: bigint, appId = 'pgveil'): Action {
  return { txn: { appId, version, lastUpdated: 1 } };
}

/** What a new table begins with. */
export function beginning(): Action[] {
  return [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: 'a1b2',
        name: 'public.t',
        format: { provider: 'parquet', options: {} },
        schemaString: '{"type":"struct","fields":[]}',
        partitionColumns: ['_date'],
        configuration: { 'pgveil.generation': '1' },
        createdTime: 1,
      },
    },
  ];
}
