import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAULTS, RECOPY_FAULTS } from '../../src/core/fault.ts';
import { canary } from '../support/judge/canary.ts';
import type { Tables } from '../support/judge/decisions.ts';
import { chosenMajors } from '../support/postgres/majors.ts';
import { RandomChanges } from '../support/random/changes.ts';
import { Random } from '../support/random/prng.ts';
import { RandomDdl } from '../support/schema/random-ddl.ts';
import { Servers } from '../support/trial/servers.ts';
import type { Service, TableStatus } from '../support/trial/service.ts';
import { Slow } from '../support/trial/slow.ts';
import { Steady } from '../support/trial/steady.ts';
import type { Trial } from '../support/trial/trial.ts';
import { until } from '../support/wait.ts';

// `PGVEIL_TEST_SEED=17` (or `17,18,19`) repeats a run exactly, but for the moments at which processes are scheduled.
const seeds = (process.env.PGVEIL_TEST_SEED ?? '1,2,3,4,5,6,7,8,9,10').split(',').map(Number);
/** A run waits for servers, pauses and back-off more than half of the time. */
const AT_ONCE = 4;
/** A table that was copied again and again is let rest for half a minute; and who knows what else the machine does. */
const END_MS = 120_000;

const major = chosenMajors().at(-1)!;
const settings = { max_replication_slots: '40', max_wal_senders: '40', max_connections: '200' };
const servers = await Servers.start({
  sourceSettings: settings,
  twinSettings: { max_connections: '200', wal_keep_size: '4GB' },
});
after(() => servers[Symbol.asyncDispose]());

/** In columns with a rule: it must not leave, under whatever name they go. */
const secret = canary('a secret');

/** What happens to these is random. */
const CREATE = {
  'public.person': `
    CREATE TABLE public.person (id bigint PRIMARY KEY, ssn text, note text, born date, level integer);
    ALTER TABLE public.person ALTER note SET STORAGE EXTERNAL;
    INSERT INTO public.person SELECT i, '${secret.value} ' || i, repeat(md5(i::text), 100), '2000-01-01', i % 9 FROM generate_series(1, 600) i`,
  'public.visit': `
    CREATE TABLE public.visit (place text, number integer, paid numeric(12,2), remarks text, rank integer,
      CONSTRAINT visit_pkey PRIMARY KEY (place, number));
    ALTER TABLE public.visit REPLICA IDENTITY FULL;
    INSERT INTO public.visit SELECT 'place ' || i % 9, i, i / 7.0, repeat(md5(i::text), 100) FROM generate_series(1, 400) i`,
  'public.event': `
    CREATE TABLE public.event (id integer PRIMARY KEY, kind mood, what text, score numeric(12,2)) PARTITION BY RANGE (id);
    CREATE TABLE public.event_low PARTITION OF public.event FOR VALUES FROM (0) TO (150);
    CREATE TABLE public.event_mid (what text, id integer NOT NULL, score numeric(12,2), kind mood);
    ALTER TABLE public.event ATTACH PARTITION public.event_mid FOR VALUES FROM (150) TO (300);
    CREATE TABLE public.event_high PARTITION OF public.event FOR VALUES FROM (300) TO (MAXVALUE);
    INSERT INTO public.event SELECT i, 'calm', '${secret.value} ' || i, i FROM generate_series(1, 400) i`,
  'public.item': `
    CREATE TABLE public.item (id integer PRIMARY KEY, n integer, m integer, day date);
    INSERT INTO public.item SELECT i, i, -i FROM generate_series(1, 300) i`,
  'public.log': `
    CREATE TABLE public.log (id integer PRIMARY KEY, line text, secret text, size integer);
    INSERT INTO public.log SELECT i, 'line ' || i, '${secret.value} ' || i, i FROM generate_series(1, 200) i`,
};

/** Nothing ever happens to `steady`, which gets one row after the other; `slow` has transactions that take their time. */
const SETUP = `
  CREATE SCHEMA elsewhere;
  CREATE TYPE mood AS ENUM ('calm', 'glad', 'sad');
  ${Object.values(CREATE).join(';\n')};
  CREATE TABLE slow (id integer PRIMARY KEY, v text);
  INSERT INTO slow SELECT i, 'v' || i FROM generate_series(1, 100) i;
  CREATE TABLE steady (id integer PRIMARY KEY);
`;

const altered: Tables = {
  'public.person': { columns: { id: 'keep', ssn: 'hash', note: 'keep', born: 'keep', level: 'keep' } },
  'public.visit': {
    columns: { place: { hash: { class: 'place' } }, number: 'keep', paid: 'keep', remarks: 'keep', rank: 'keep' },
  },
  'public.event': { columns: { id: 'keep', kind: 'keep', what: 'hash', score: 'keep' } },
  'public.item': { columns: { id: 'keep', n: 'keep', m: 'keep', day: 'keep' } },
  'public.log': { columns: { id: 'keep', line: 'keep', secret: 'hash', size: 'null' } },
};

const tables: Tables = {
  ...altered,
  'public.slow': { columns: { id: 'keep', v: 'keep' } },
  'public.steady': { columns: { id: 'keep' } },
};

describe('random DDL every second, random changes all the time, and a kill -9', { concurrency: AT_ONCE }, () => {
  for (const seed of seeds) {
    test(`of seed ${seed} end with an equal twin`, async (t) => {
      const again = `PGVEIL_TEST_SEED=${seed} npm test -- --majors ${major} e2e/random-ddl`;
      t.diagnostic(again);
      const story: string[] = [];
      const random = new Random(seed);
      await using trial = await servers.trial(SETUP, tables, { memory: random.pick(['16MB', '64MB', '256MB']) });
      await using run = await Run.begin(trial, random, (line) => void story.push(line));
      try {
        await run.toItsEnd();
      } catch (error) {
        throw new Error(`${again}\n${story.join('\n')}\n${run.lastWords}\n${(error as Error).stack}`);
      }
    });
  }
});

const isCopied = ({ state }: TableStatus) => state === 'copying' || state === 'streaming';

class Run implements AsyncDisposable {
  readonly #trial: Trial;
  readonly #random: Random;
  readonly #note: (line: string) => void;
  readonly #changes: RandomChanges;
  readonly #slow: Slow;
  readonly #ddl: RandomDdl;
  readonly #steady: Steady;
  #service: Service;
  /** Of seconds: how long it is down yet. */
  #down = 0;
  #isToDie = false;

  static async begin(trial: Trial, random: Random, note: (line: string) => void): Promise<Run> {
    const began = performance.now();
    const say = (line: string) => note(`${((performance.now() - began) / 1000).toFixed(1)} s  ${line}`);
    const slow = await Slow.begin(await servers.source.connect(trial.name), trial.sourceUrl, random, 'public.slow');
    const steady = new Steady(await servers.twin.connect(trial.name));
    const changes = await RandomChanges.open(trial.source, trial.sourceUrl, random, Object.keys(altered));
    return new Run(trial, random, say, { changes, slow, steady }, await trial.run());
  }

  private constructor(
    trial: Trial,
    random: Random,
    note: (line: string) => void,
    { changes, slow, steady }: { changes: RandomChanges; slow: Slow; steady: Steady },
    service: Service,
  ) {
    this.#trial = trial;
    this.#random = random;
    this.#note = note;
    this.#changes = changes;
    this.#slow = slow;
    this.#steady = steady;
    this.#service = service;
    const entries = Object.entries(CREATE).map(([name, create]) => {
      return [name, { create, decided: Object.keys(tables[name]!.columns) }] as const;
    });
    this.#ddl = new RandomDdl({
      client: trial.source,
      random,
      changes,
      tables: Object.fromEntries(entries),
      publication: trial.slot,
      note,
    });
  }

  async toItsEnd(): Promise<void> {
    const random = this.#random;
    // Names are bound at the first look: from then on a column that takes another one's name must halt its table.
    if (random.chance(0.7)) await this.#service.isReady(END_MS);
    else await this.#service.reaches('a copy', (status) => Object.values(status.tables).some(isCopied), END_MS);
    const seconds = random.int(6, 9);
    const killed = random.int(0, seconds - 2);
    for (let second = 0; second < seconds; second++) {
      if (second === killed) this.#killSoon();
      await this.#second();
      await this.#startAgain();
    }
    await this.#ddl.undoAll();
    await this.#slow.commit();
    await this.#changes.transactions(200);
    this.#note('all undone');
    await this.#settle();
    await this.#trial.assertEqual();
    await this.#steady.assertWhole();
    await this.#trial.assertSilent([secret], this.#service);
  }

  get lastWords(): string {
    return this.#service.lastWords();
  }

  /** Changes for about a second, and in between one DDL. */
  async #second(): Promise<void> {
    const random = this.#random;
    const rounds = random.int(10, 20);
    const at = random.int(0, rounds - 1);
    for (let round = 0; round < rounds; round++) {
      await this.#changes.transaction(random.size(1, random.chance(0.05) ? 1500 : 60));
      await this.#steady.write(this.#trial);
      if (round === at) await this.#ddl.step();
      await sleep(random.int(0, 80));
    }
    await this.#slow.goOn();
  }

  /** At a moment that has nothing to do with what is done then; or at a fault point, if it ever comes to that. */
  #killSoon(): void {
    const wait = this.#random.int(0, 1000);
    this.#down = this.#random.int(1, 2);
    setTimeout(() => {
      this.#note('kill -9');
      this.#service.process.kill('SIGKILL');
    }, wait);
  }

  async #startAgain(): Promise<void> {
    if (this.#service.isRunning || this.#down-- > 0) return;
    const fault = this.#random.chance(0.5) ? this.#random.pick([...FAULTS, ...RECOPY_FAULTS]) : '';
    this.#isToDie = fault !== '';
    this.#note(this.#isToDie ? `started again, to be killed at "${fault}"` : 'started again');
    this.#service = await this.#trial.run({ fault: fault && `${fault}:${this.#random.int(1, 3)}` });
  }

  /** Either what runs gets there by itself, or the next start does. */
  async #settle(): Promise<void> {
    const { process } = this.#service;
    if (this.#random.chance(0.5)) {
      process.kill('SIGKILL');
      await process.exited;
      const { code, stdout, stderr } = await this.#trial.command(['run', '--until-caught-up']);
      this.#note(`run --until-caught-up ended with exit code ${code}; it said:\n${stdout}${stderr}`);
      assert.equal(code, 0);
      return;
    }
    if (!this.#service.isRunning || this.#isToDie) {
      await this.#service.kill();
      this.#service = await this.#trial.run();
    }
    // What nobody wrote rows behind is seen by the next look at the catalog alone.
    await this.#service.isReady(END_MS);
    await this.#trial.holdsAll(this.#service, END_MS);
    const isEqual = () =>
      this.#trial.assertEqual().then(
        () => true,
        () => false,
      );
    await until(isEqual, { what: 'an equal twin', timeout: END_MS, interval: 500 }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#slow[Symbol.asyncDispose]();
    await this.#steady[Symbol.asyncDispose]();
  }
}
