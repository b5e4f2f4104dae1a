import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { chosenMajors, type Major } from '../postgres/majors.ts';
import { Servers } from '../trial/servers.ts';
import type { Service, Status } from '../trial/service.ts';
import { until } from '../wait.ts';
import { IN } from './circumstances.ts';
import {
  CIRCUMSTANCES,
  type Circumstance,
  type Ends,
  isQuiet,
  PIPELINES,
  type Pipeline,
  type Row,
  ssn,
} from './row.ts';
import { type PlacedRow, RowPipeline } from './row-pipeline.ts';

/** PGVEIL_TEST_CIRCUMSTANCES=down,twice: those instead of the two that everybody's tests have the time for. */
const circumstances = (process.env.PGVEIL_TEST_CIRCUMSTANCES ?? 'idle,load').split(',').map((name) => {
  const known = CIRCUMSTANCES.find((circumstance) => circumstance === name);
  if (!known) throw new Error(`"${name}" is no circumstance: ${CIRCUMSTANCES.join(', ')}`);
  return known;
});

/** Declares a test for every row in every circumstance. All share one pair of servers per major. */
export function testRows(rows: readonly Row[]): void {
  for (const major of chosenMajors()) {
    describe(`on Postgres ${major}`, () => {
      let servers: Servers;
      before(async () => {
        servers = await Servers.start({ source: major, twin: major, twinSettings: { wal_keep_size: '2GB' } });
      });
      after(() => servers[Symbol.asyncDispose]());

      for (const circumstance of circumstances) {
        for (const group of groups(rows, major)) {
          test(`${circumstance}, ${group.name}`, async (context) => {
            await using pipeline = await RowPipeline.open(servers, group.pipeline, group.rows);
            await testIn(context, circumstance, pipeline);
          });
        }
      }

      test('after all of this no file and no log of the twin holds a number', () => servers.assertNoLeak([ssn]));
    });
  }
}

interface Group {
  readonly name: string;
  readonly pipeline: Pipeline;
  readonly rows: readonly Row[];
}

/** By pipeline; rows that want another configuration have one of their own, which is started anew for them. */
function groups(rows: readonly Row[], major: Major): Group[] {
  const present = rows.filter((row) => Math.max(row.since ?? 14, PIPELINES[pipelineOf(row)].since) <= major);
  const named = Object.groupBy(present, (row) => `${pipelineOf(row)}${row.configured ? ', configured anew' : ''}`);
  return Object.entries(named).map(([name, some]) => ({ name, pipeline: pipelineOf(some![0]!), rows: some! }));
}

const pipelineOf = ({ pipeline }: Row): Pipeline => pipeline ?? 'a publication of ours';

async function testIn(context: TestContext, circumstance: Circumstance, pipeline: RowPipeline): Promise<void> {
  const { trial, rows } = pipeline;
  const service = await IN[circumstance](pipeline);
  await pipeline.isSeen(service);
  const trials = rows.map((one) => new RowTrial(pipeline, service, circumstance, one));
  for (const one of trials) await context.test(one.name, () => one.assertEnds());
  await context.test('a table that nothing happened to goes on as it was', async () => {
    const status = await service.status();
    assert.equal(status.tables['public.bystander']!.state, 'streaming');
    if (isQuiet(circumstance)) assert.equal(pipeline.isCopiedAnew('public.bystander', status), pipeline.concernsAll);
  });
  await pipeline.writeMore();
  await trial.holdsAll(service);
  await context.test('whatever is written then arrives as well', async () => {
    for (const one of trials) await one.assertStreams();
  });
  await context.test('and nothing raw left', () => trial.assertSilent([ssn], service));

  await pipeline.fix();
  const fixed = trials.filter(({ ends }) => ends.as === 'halted' && ends.fix);
  if (fixed.length === 0) return;
  const isNew = pipeline.configure(({ ends }) => (ends.as === 'halted' ? ends.fix?.tables : undefined));
  if (isNew) await service.stop();
  const last = isNew ? await trial.run() : service;
  const since = performance.now();
  for (const one of fixed) await context.test(`${one.name}: and after the fix`, () => one.assertFixed(last, since));
  await context.test('and still nothing raw left', () => trial.assertSilent([ssn], last));
}

/** For all rows together: where many fail, the first has waited for them. */
const PATIENCE_MS = 300_000;

/** One row in one circumstance. */
class RowTrial {
  readonly ends: Ends;
  readonly #pipeline: RowPipeline;
  readonly #service: Service;
  readonly #one: PlacedRow;
  readonly #isQuiet: boolean;
  #deadline = performance.now() + PATIENCE_MS;

  constructor(pipeline: RowPipeline, service: Service, circumstance: Circumstance, one: PlacedRow) {
    this.#pipeline = pipeline;
    this.#service = service;
    this.#one = one;
    this.#isQuiet = isQuiet(circumstance);
    this.ends = one.row.except?.[circumstance] ?? one.row.ends;
  }

  get name(): string {
    return this.#one.row.name;
  }

  async assertEnds(): Promise<void> {
    const { ends } = this;
    if (ends.as === 'halted') return await this.#assertHalted(ends);
    const { concerned, tables } = this.#one;
    await this.#assertEqual(this.#service, ends.equals);
    const status = await this.#service.status();
    for (const name of this.#isQuiet ? Object.keys(tables) : []) {
      const isChanged: boolean = ends.as === 'recopied' && concerned.includes(name);
      assert.equal(this.#pipeline.isCopiedAnew(name, status), isChanged, `whether ${name} was copied anew`);
    }
    if (ends.as !== 'recopied') return;
    const warned = concerned.flatMap((name) => status.tables[name]!.warnings.map(({ code }) => code));
    if (ends.warns) assert.ok(warned.includes(ends.warns), `no warning ${ends.warns} among ${warned.join()}`);
    if (ends.says && this.#isQuiet) assert.match(this.#service.process.output, ends.says);
  }

  /** What streams goes on to. */
  async assertStreams(): Promise<void> {
    if (this.ends.as !== 'halted') await this.#assertEqual(this.#service, this.ends.equals);
  }

  /** `since`: when the fix of all was done, on performance.now(). */
  async assertFixed(service: Service, since: number): Promise<void> {
    this.#deadline = since + PATIENCE_MS;
    await this.#assertEqual(service, this.ends.as === 'halted' ? this.ends.fix?.equals : undefined);
  }

  async #assertHalted({ code }: Extract<Ends, { as: 'halted' }>): Promise<void> {
    for (const name of this.#one.concerned) {
      const isHalted = ({ tables }: Status) => tables[name]!.state === 'halted';
      const { tables } = await this.#service.reaches(`${name} halted`, isHalted, this.#patience);
      assert.equal(tables[name]!.halt!.code, code);
      if (!this.#isQuiet) continue;
      const { rows } = await this.#pipeline.trial.twin.query(`SELECT count(*)::int AS n FROM ${name}`);
      assert.ok(rows[0].n > 0, 'what the twin has of it is not readable any more');
    }
  }

  get #patience(): number {
    return Math.max(10_000, this.#deadline - performance.now());
  }

  /** Every table of the row streams and is equal; a copy more may be on its way where one was under way already. */
  async #assertEqual(service: Service, equals: PlacedRow['row']['tables']): Promise<void> {
    const names = Object.keys(this.#one.tables);
    const streams = async () => {
      const { tables } = await service.status();
      return names.every((name) => tables[name]!.state === 'streaming');
    };
    const wanted = Object.entries({ ...this.#pipeline.trial.tables, ...(equals ? this.#one.place(equals) : {}) });
    const own = Object.fromEntries(wanted.filter(([name]) => names.includes(name)));
    let found: readonly unknown[] = [];
    const isEqual = async () => {
      if (!(await streams())) return false;
      found = await this.#pipeline.differences(own);
      return found.length === 0;
    };
    const seen = () =>
      `${this.name}: ${this.#one.schema} to stream and be equal: ${JSON.stringify(found)}; ${service.lastWords()}`;
    await until(isEqual, { what: seen, timeout: this.#patience, interval: 200 });
  }
}
