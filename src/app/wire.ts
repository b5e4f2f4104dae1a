import { isDeepStrictEqual } from 'node:util';
import type { Client } from 'pg';
import type { Config } from '../../config/config.ts';
import { readCatalog } from '../../connectors/postgres/catalog/catalog.ts';
import { dropPublication, readPublication } from '../../connectors/postgres/catalog/publication.ts';
import { askedOf } from '../../connectors/postgres/catalog/reading.ts';
import { checkSource } from '../../connectors/postgres/check/check.ts';
import { endSession, openReader } from '../../connectors/postgres/session.ts';
import { dropSlot, inspectSlot, observeSlot } from '../../connectors/postgres/slot/slot.ts';
import { PostgresSource } from '../../connectors/postgres/source.ts';
import { checkTwin } from '../../sinks/postgres/check.ts';
import { dropPipeline, findMade } from '../../sinks/postgres/drop.ts';
import { storedCheckpoint } from '../../sinks/postgres/look.ts';
import { type TwinOptions, withTwin } from '../../sinks/postgres/session.ts';
import { PostgresSink } from '../../sinks/postgres/sink.ts';
import { define } from '../../transforms/definition.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { RowRedactor } from '../../transforms/redactor.ts';
import type { TableEntry } from '../core/checkpoint.ts';
import { ERRORS, type Finding, PgveilError } from '../core/errors.ts';
import type { Observe } from '../core/observer.ts';
import { identify } from '../postgres/identity.ts';
import type { Assemble, Parts, Remains } from './assembly.ts';
import { RenewedUrl } from './renewed.ts';
import { changesSince, missedSince, type Wanted } from './start-findings.ts';

/** The one place where concrete parts are named. */
export const assemble: Assemble = (configured, reload) => {
  const config = withRenewedUrls(configured, reload);
  const { source, sink } = config;
  return {
    checks: [
      { needs: 'source', findings: () => findSource(config) },
      { needs: 'source', findings: () => findRules(config) },
      { needs: sink.name, findings: () => checkTwin(twinOptions(config)) },
      { needs: 'source', findings: () => findOneDatabase(config) },
    ],
    parts: (observe) => makeParts(config, observe),
    checkpoints: async () => new Map([[sink.name, await storedCheckpoint(twinOptions(config))]]),
    slot: () => onSource(config, (client) => observeSlot(client, source.slot)),
    remains: async (data) => [...(await remainsOnSource(config)), ...(data ? await remainsOnTwin(config) : [])],
  };
};

function makeParts(config: Config, observe: Observe): Parts {
  const { sink } = config;
  const redactor = new RowRedactor(config, observe);
  return {
    source: new PostgresSource(config, redactor, observe),
    sinks: new Map([[sink.name, new PostgresSink(twinOptions(config), observe)]]),
    redactor,
  };
}

function withRenewedUrls(config: Config, reload: () => Config): Config {
  const { source, sink } = config;
  return {
    ...config,
    source: { ...source, url: new RenewedUrl(source.url, () => reload().source.url) },
    sink: { ...sink, url: new RenewedUrl(sink.url, () => reload().sink.url) },
  };
}

const twinOptions = ({ name, tables, sink }: Config): TwinOptions => ({ ...sink, pipeline: name, tables });

// Checks

async function findSource(config: Config): Promise<Finding[]> {
  const { url, publication, slot } = config.source;
  const { sourcePrimaryKey } = config.sink;
  const [found, entries] = await Promise.all([
    checkSource({ url, publication, slot, sourcePrimaryKey, tables: askedOf(config) }),
    entriesOf(config),
  ]);
  return found.map((finding) => missedSince(entries, config.tables, finding));
}

/** Whether the rules fit the tables that are there, and what a start would do because they changed. */
async function findRules(config: Config): Promise<Finding[]> {
  const [reading, entries] = await Promise.all([
    onSource(config, (client) => readCatalog(client, askedOf(config))),
    entriesOf(config),
  ]);
  const keys = deriveKeys(config.key);
  const wanted: Wanted[] = [];
  const unfit = [...reading.tables.values()].flatMap(({ table, leaves }) => {
    if (!table) return [];
    const { plan, findings } = define(table, config, keys, entries);
    const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0);
    if (plan) wanted.push({ name: table.name, plan: plan.table.plan, key: keys.fingerprint, bytes });
    return findings;
  });
  return [...unfit, ...changesSince(entries, wanted)];
}

async function findOneDatabase(config: Config): Promise<Finding[]> {
  const both = Promise.all([
    onSource(config, (client) => identify(client, 'source')),
    withTwin(twinOptions(config), (client) => identify(client, 'twin')),
  ]);
  const [source, twin] = await both.catch((error) => unlessKnown(error, [null, null]));
  if (!source || !isDeepStrictEqual(source, twin)) return [];
  const { means: message, fix } = ERRORS.twin_is_source;
  return [{ code: 'twin_is_source', object: `sinks.${config.sink.name}.url`, message, fix }];
}

/** What is durable on the twin; as before the first start where it does not answer, which another check says. */
async function entriesOf(config: Config): Promise<ReadonlyMap<string, TableEntry>> {
  const reading = storedCheckpoint(twinOptions(config));
  const checkpoint = await reading.catch((error) => unlessKnown(error, null));
  return checkpoint?.tables ?? new Map();
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

async function remainsOnTwin(config: Config): Promise<Remains[]> {
  const twin = twinOptions(config);
  const { checkpoint, tables } = await findMade(twin);
  if (!checkpoint && tables.length === 0) return [];
  const what = `checkpoint and ${tables.length === 1 ? '1 table' : `${tables.length} tables`} in sink ${config.sink.name}`;
  return [{ what, remove: () => dropPipeline(twin, { data: true }) }];
}

async function onSource<T>({ name, source }: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await openReader(source.url, `pgveil ${name} check`);
  try {
    return await work(client);
  } finally {
    await endSession(client);
  }
}
