import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { Duck } from '../../../sinks/lake/parquet/duck.ts';
import { LakeSink } from '../../../sinks/lake/sink.ts';
import { acceptSink } from '../../acceptance/sink.ts';
import { openDuck } from './delta.ts';
import { fold, lakeRows } from './fold.ts';
import { onEveryStorage, type Place, SETTINGS } from './storages.ts';

onEveryStorage((makePlace) => {
  let duck: Duck;
  let temporary: string;
  const places = new Map<string, Place>();
  before(async () => {
    duck = await openDuck();
    temporary = await mkdtemp(join(tmpdir(), 'pgveil-temporary-'));
  });
  after(async () => {
    await duck.close();
    await rm(temporary, { recursive: true, force: true });
  });

  acceptSink(
    'lake',
    (pipeline) => {
      const place = places.get(pipeline) ?? makePlace(pipeline);
      places.set(pipeline, place);
      return new LakeSink({ pipeline, storage: place.again(), temporary: join(temporary, pipeline), ...SETTINGS });
    },
    async (pipeline, table) => fold(table, await lakeRows(places.get(pipeline)!.storage, duck, table)),
  );
});
