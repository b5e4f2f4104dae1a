import type { Service } from '../trial/service.ts';
import type { Circumstance } from './row.ts';
import type { RowPipeline } from './row-pipeline.ts';

/** A hundred tables are copied, on servers that others use too. */
const PATIENCE_MS = 300_000;

/** Has every row's change happen in one circumstance. Returns the service that has to cope with it. */
export const IN: Readonly<Record<Circumstance, (pipeline: RowPipeline) => Promise<Service>>> = {
  /** Nothing else happens, before or after: no row tells of it. */
  async idle(pipeline) {
    const service = await pipeline.stream();
    await pipeline.change();
    return await reconfigured(pipeline, service);
  },

  /** This table and others are written to, before, meanwhile and after. */
  async load(pipeline) {
    let service = await pipeline.stream();
    await pipeline.underLoad(async () => {
      await pipeline.change();
      service = await reconfigured(pipeline, service);
      await pipeline.isSeen(service);
    });
    return service;
  },

  /** In one transaction with rows before and after it. */
  async transaction(pipeline) {
    const service = await pipeline.stream();
    await pipeline.change('dml');
    return await reconfigured(pipeline, service);
  },

  /** Nobody looks on, and rows from before and after come when somebody does again. */
  async down(pipeline) {
    await (await pipeline.stream()).stop();
    await pipeline.change('dml');
    pipeline.configure(({ configured }) => configured);
    return await pipeline.trial.run();
  },

  /** Between the first copy's snapshot and its rows. */
  async snapshot(pipeline) {
    const service = await pipeline.trial.run({ fault: 'snapshot exported:1:SIGSTOP' });
    await service.holds(PATIENCE_MS);
    await pipeline.changeHeld(() => service.process.kill('SIGCONT'));
    // A column that went before the table was taken in would be one that was never there: exit 2, and not what this is about.
    const isTakenIn = ({ state }: { readonly state: string }) => state === 'streaming' || state === 'halted';
    await service.reaches('all taken in', ({ tables }) => Object.values(tables).every(isTakenIn), PATIENCE_MS);
    return await reconfigured(pipeline, service);
  },

  /** When every row of a copy beside the stream was read, and its table was not handed over yet. */
  async recopy(pipeline) {
    const service = await recopying(pipeline, 'copies finished:1:SIGSTOP');
    await pipeline.changeHeld(() => service.process.kill('SIGCONT'));
    return await reconfigured(pipeline, service);
  },

  /** Something else at that point of one copy, and the change at that of the next one. */
  async twice(pipeline) {
    const service = await recopying(pipeline, 'copies finished:1:SIGSTOP,copies finished:2:SIGSTOP');
    await pipeline.changeFirst();
    service.process.kill('SIGCONT');
    await service.holds(PATIENCE_MS);
    await pipeline.changeHeld(() => service.process.kill('SIGCONT'));
    return await reconfigured(pipeline, service);
  },
};

/** Every table streams and is copied anew, as a person asked for; held at that point. */
async function recopying(pipeline: RowPipeline, fault: string): Promise<Service> {
  const { trial } = pipeline;
  await (await pipeline.stream()).stop();
  const service = await trial.run({ fault });
  await service.isReady(PATIENCE_MS);
  const { code, stderr } = await trial.command(['recopy', ...Object.keys(trial.tables)]);
  if (code !== 0) throw new Error(`pgveil recopy: ${stderr}`);
  await service.holds(PATIENCE_MS);
  return service;
}

/** The service with another configuration, where a row wants one. */
async function reconfigured(pipeline: RowPipeline, service: Service): Promise<Service> {
  if (!pipeline.configure(({ configured }) => configured)) return service;
  await service.stop();
  return await pipeline.trial.run();
}
