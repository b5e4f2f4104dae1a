import { isDeepStrictEqual } from 'node:util';
import type { Client } from 'pg';
import type { Config, KafkaConfig, SinkConfig, TwinConfig } from '../../config/config.ts';
import { readCatalog } from '../../connectors/postgres/catalog/catalog.ts';
import { dropPublication, readPublication } from '../../connectors/postgres/catalog/publication.ts';
import { askedOf } from '../../connectors/postgres/catalog/reading.ts';
import { checkSource } from '../../connectors/postgres/check/check.ts';
import { endSession, openReader } from '../../connectors/postgres/session.ts';
import { dropSlot, inspectSlot, observeSlot } from '../../connectors/postgres/slot/slot.ts';
import { PostgresSource } from '../../connectors/postgres/source.ts';
import { KafkaTarget } from '../../sinks/kafka/target.ts';
import type { Caretaker } from '../../sinks/lake/care/caretaker.ts';
import { LakeTarget } from '../../sinks/lake/target.ts';
import { TwinTarget } from '../../sinks/postgres/target.ts';
import { define } from '../../transforms/definition.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { RowRedactor } from '../../transforms/redactor.ts';
import type { Checkpoint, TableEntry } from '../core/checkpoint.ts';
import { ERRORS, type Finding, PgveilError } from '../core/errors.ts';
import type { Observe } from '../core/observer.ts';
import type { LeavingTable, Remains, Target } from '../core/target.ts';
import { mergeEntries } from '../pipeline/merge.ts';
import { identify } from '../postgres/identity.ts';
import type { Assemble, Parts } from './assembly.ts';
import { RenewedUrl, renewedLogin } from './renewed.ts';
import { reservedColumns } from './reserved.ts';
import { changesSince, missedSince, sinksAdded, type Wanted } from './start-findings.ts';

/** By the sinks' names. */
type Targets = ReadonlyMap<string, Target>;

/** The one place where concrete parts are named. */
export const assemble: Assemble = (configured, reload) => {
  const config = withRenewedUrl(configured, reload);
  const targets = new Map([...config.sinks].map(([name, sink]) => [name, targetOf(sink, config, reload)]));
  return {
    checks: [
      { needs: 'source', findings: () => findSource(config, targets) },
      { needs: 'source', findings: () => findRules(config, targets) },
      ...[...targets].map(([name, target]) => ({ needs: name, findings: () => target.check() })),
      { needs: 'source', findings: () => findOneDatabase(config, targets) },
    ],
    caretakers: caretakersOf(targets),
    parts: (observe) => makeParts(config, targets, observe),
    checkpoints: () => ofEach(targets, (target) => target.checkpoint()),
    slot: () => onSource(config, (client) => observeSlot(client, config.source.slot)),
    remains: async (data) => [...(await remainsOnSource(config)), ...(data ? await remainsIn(targets) : [])],
  };
};

/** Each kind of sink: what is configured, and what the commands see of it. */
function targetOf(sink: SinkConfig, { name, tables }: Config, reload: () => Config): Target {
  switch (sink.type) {
    case 'postgres': {
      const url = new RenewedUrl(sink.url, () => (reload().sinks.get(sink.name) as TwinConfig).url);
      return new TwinTarget({ ...sink, url, pipeline: name, tables });
    }
    case 'lake':
      return new LakeTarget({ ...sink, pipeline: name });
    case 'kafka': {
      const connection = renewedLogin(sink.connection, () => (reload().sinks.get(sink.name) as KafkaConfig).connection);
      return new KafkaTarget({ ...sink, connection, pipeline: name });
    }
  }
}

function caretakersOf(targets: Targets): ReadonlyMap<string, Caretaker> {
  const lakes = [...targets].flatMap(([name, target]) =>
    target instanceof LakeTarget ? [[name, target.caretaker()] as const] : [],
  );
  return new Map(lakes);
}

function makeParts(config: Config, targets: Targets, observe: Observe): Parts {
  const redactor = new RowRedactor(config, observe);
  const sinks = new Map([...targets].map(([name, target]) => [name, target.sink(observe)]));
  return { source: new PostgresSource(config, redactor, observe), sinks, redactor };
}

function withRenewedUrl(config: Config, reload: () => Config): Config {
  const { source } = config;
  return { ...config, source: { ...source, url: new RenewedUrl(source.url, () => reload().source.url) } };
}

// Checks

async function findSource(config: Config, targets: Targets): Promise<Finding[]> {
  const { url, publication, slot } = config.source;
  const [found, stored] = await Promise.all([
    checkSource({ url, publication, slot, tables: askedOf(config) }),
    storedIn(targets),
  ]);
  const entries = entriesOf(stored);
  return found.map((finding) => missedSince(entries, config.tables, finding));
}

/** Whether rules and sinks fit the tables that are there, and what a start would do because the rules changed. */
async function findRules(config: Config, targets: Targets): Promise<Finding[]> {
  const [reading, stored] = await Promise.all([
    onSource(config, (client) => readCatalog(client, askedOf(config))),
    storedIn(targets),
  ]);
  const entries = entriesOf(stored);
  const keys = deriveKeys(config.key);
  const wanted: Wanted[] = [];
  const leaving: LeavingTable[] = [];
  const unfit = [...reading.tables.values()].flatMap(({ table, leaves }) => {
    if (!table) return [];
    const { bound, plan, findings } = define(table, config, keys, entries);
    const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0);
    if (plan) {
      wanted.push({ name: table.name, plan: plan.table.plan, key: keys.fingerprint, bytes });
      leaving.push(plan.table);
    }
    return [...findings, ...reservedColumns(table, bound.decisions, targets)];
  });
  const ofSinks = await ofEach(targets, (target) =>
    target.checkTables(leaving).catch((error) => unlessKnown(error, [])),
  );
  return [...unfit, ...[...ofSinks.values()].flat(), ...sinksAdded(stored, wanted), ...changesSince(entries, wanted)];
}

async function findOneDatabase(config: Config, targets: Targets): Promise<Finding[]> {
  const [source, others] = await Promise.all([
    onSource(config, (client) => identify(client, 'source')).catch((error) => unlessKnown(error, null)),
    ofEach(targets, (target) => target.identity().catch((error) => unlessKnown(error, null))),
  ]);
  const { means: message, fix } = ERRORS.twin_is_source;
  return [...others]
    .filter(([, identity]) => source && isDeepStrictEqual(source, identity))
    .map(([name]) => ({ code: 'twin_is_source', object: `sinks.${name}.url`, message, fix }));
}

/** What is durable in each sink; undefined where one does not answer, which another check says. */
type StoredIn = ReadonlyMap<string, Checkpoint | null | undefined>;

async function storedIn(targets: Targets): Promise<StoredIn> {
  return await ofEach(targets, (target) => target.checkpoint().catch((error) => unlessKnown(error, undefined)));
}

/** What the sinks that answer hold in common. */
function entriesOf(stored: StoredIn): ReadonlyMap<string, TableEntry> {
  const found = [...stored.values()].flatMap((checkpoint) => checkpoint?.tables ?? []);
  return mergeEntries(found).tables;
}

async function ofEach<T>(targets: Targets, ask: (target: Target) => Promise<T>): Promise<ReadonlyMap<string, T>> {
  return new Map(await Promise.all([...targets].map(async ([name, target]) => [name, await ask(target)] as const)));
}

function unlessKnown<T>(error: unknown, instead: T): T {
  if (error instanceof PgveilError) return instead;
  throw error;
}

// Status and drop

async function remainsOnSource(config: Config): Promise<Remains[]> {
  const { url, slot, publication } = config.source;
  const [hasSlot, hasPublication] = await onSource(config, async (client) => [
    (await inspectSlot(client, slot)) !== null,
    (await readPublication(client, publication))?.made === true,
  ]);
  const remains: Remains[] = [];
  if (hasSlot) {
    const remove = () => onSource(config, (client) => dropSlot(client, slot));
    remains.push({ what: `replication slot ${slot} on the source`, remove });
  }
  if (hasPublication) {
    const remove = () => onSource(config, (client) => dropPublication(url, client, publication));
    remains.push({ what: `publication ${publication} on the source`, remove });
  }
  return remains;
}

async function remainsIn(targets: Targets): Promise<Remains[]> {
  return (await Promise.all([...targets.values()].map((target) => target.remains()))).flat();
}

async function onSource<T>({ name, source }: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await openReader(source.url, `pgveil ${name} check`);
  try {
    return await work(client);
  } finally {
    await endSession(client);
  }
}
