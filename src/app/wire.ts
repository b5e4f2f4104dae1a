import type { Client } from 'pg';
import type { Config, KafkaConfig, SinkConfig, TwinConfig } from '../../config/config.ts';
import { remainsOnSource } from '../../connectors/postgres/remains.ts';
import { endSession, openReader } from '../../connectors/postgres/session.ts';
import { OwnSlots, ownSlotNames } from '../../connectors/postgres/slot/own-slots.ts';
import { inspectSlot, observeSlot } from '../../connectors/postgres/slot/slot.ts';
import { findUnused } from '../../connectors/postgres/slot/unused-slots.ts';
import { PostgresSource } from '../../connectors/postgres/source.ts';
import type { Caretaker } from '../../sinks/lake/care/caretaker.ts';
import type { LakeTarget } from '../../sinks/lake/target.ts';
import { TwinTarget } from '../../sinks/postgres/target.ts';
import { RowRedactor } from '../../transforms/redactor.ts';
import type { Observe, SlotSeen } from '../core/observer.ts';
import type { Target } from '../core/target.ts';
import type { Apart } from '../pipeline/parts.ts';
import { identify } from '../postgres/identity.ts';
import type { Assemble, Parts, Place } from './assembly.ts';
import { checksOf, hasRun, known, ofEach, type Targets } from './check/checks.ts';
import { RenewedUrl, renewedLogin, renewedRegistry } from './renewed.ts';
import { MomentSource } from './verify/source.ts';

/** The one place where concrete parts are named. */
export const assemble: Assemble = async (configured, reload) => {
  const config = withRenewedUrl(configured, reload);
  const targets = new Map<string, Target>();
  for (const [name, sink] of config.sinks) targets.set(name, await targetOf(sink, config, reload));
  return {
    checks: checksOf(config, targets, () => onSource(config, (client) => identify(client, 'source'))),
    caretakers: caretakersOf(config, targets),
    parts: (observe) => makeParts(config, targets, observe),
    hasRun: () => hasRun(targets),
    checkpoints: () => ofEach(targets, (target) => target.checkpoint().catch(known)),
    slot: () => onSource(config, (client) => observeSlot(client, config.source.slot)),
    ownSlots: () => onSource(config, (client) => ownSlotsOf(config, client)),
    unusedSlots: () => onSource(config, (client) => unusedSlotsOf(config, client)),
    sides: {
      sinks: targets,
      source: (tables) => new MomentSource(config, tables),
      isFed: () =>
        onSource(config, async (client) => (await inspectSlot(client, config.source.slot))?.activePid != null),
    },
    places: (data) => [
      { name: 'source', look: () => remainsOnSource(config, (work) => onSource(config, work)) },
      ...(data ? placesOf(targets) : []),
    ],
  };
};

/**
 * Each kind of sink: what is configured, and what the commands see of it. Lake and Kafka are loaded where they are configured: their clients
 * are most of what a start costs.
 */
async function targetOf(sink: SinkConfig, { name, tables }: Config, reload: () => Config): Promise<Target> {
  switch (sink.type) {
    case 'postgres': {
      const url = new RenewedUrl(sink.url, () => (reload().sinks.get(sink.name) as TwinConfig).url);
      return new TwinTarget({ ...sink, url, pipeline: name, tables });
    }
    case 'lake': {
      const { LakeTarget } = await import('../../sinks/lake/target.ts');
      return new LakeTarget({ ...sink, pipeline: name });
    }
    case 'kafka': {
      const { KafkaTarget } = await import('../../sinks/kafka/target.ts');
      const now = () => reload().sinks.get(sink.name) as KafkaConfig;
      const connection = renewedLogin(sink.connection, () => now().connection);
      const registry = renewedRegistry(sink.registry, () => now().registry);
      return new KafkaTarget({ ...sink, connection, registry, pipeline: name });
    }
  }
}

function caretakersOf({ sinks }: Config, targets: Targets): ReadonlyMap<string, Caretaker> {
  const lakes = [...sinks.values()].filter(({ type }) => type === 'lake');
  return new Map(lakes.map(({ name }) => [name, (targets.get(name) as LakeTarget).caretaker()]));
}

function makeParts(config: Config, targets: Targets, observe: Observe): Parts {
  const sinks = new Map([...targets].map(([name, target]) => [name, target.sink(observe)]));
  if (sinks.size === 1) return { ...readerOf(config, observe), sinks };
  // Half of it for those that read together, and the rest for those that may have to read by themselves.
  const half = config.memory / 2;
  const slots = new OwnSlots(config.source);
  const own = (sink: string): Config => ({
    ...config,
    name: `${config.name} ${sink}`,
    memory: half / (sinks.size - 1),
    source: { ...config.source, slot: slots.nameOf(sink) },
  });
  const apart: Apart = {
    slots,
    patience: (sink) => config.sinks.get(sink)!.patienceMs,
    mayDetach: (sink) => config.sinks.get(sink)!.mayDetach,
    parts: (sink, observeOwn) => readerOf(own(sink), observeOwn),
  };
  return { ...readerOf({ ...config, memory: half }, observe), sinks, apart };
}

/** Who reads the source and redacts. */
function readerOf(config: Config, observe: Observe): Pick<Parts, 'source' | 'redactor' | 'memory'> {
  const redactor = new RowRedactor(config, observe);
  return { source: new PostgresSource(config, redactor, observe), redactor, memory: config.memory };
}

function withRenewedUrl(config: Config, reload: () => Config): Config {
  const { source } = config;
  return { ...config, source: { ...source, url: new RenewedUrl(source.url, () => reload().source.url) } };
}

// Status and drop

async function ownSlotsOf({ source, sinks }: Config, client: Client): Promise<ReadonlyMap<string, SlotSeen>> {
  const found = new Map<string, SlotSeen>();
  for (const [sink, name] of ownSlotNames(source.slot, sinks.keys())) {
    const slot = await observeSlot(client, name);
    if (slot) found.set(sink, slot);
  }
  return found;
}

async function unusedSlotsOf({ source, sinks }: Config, client: Client): Promise<readonly SlotSeen[]> {
  const found: SlotSeen[] = [];
  for (const name of await findUnused(client, { slot: source.slot, sinks: sinks.keys() })) {
    const slot = await observeSlot(client, name);
    if (slot) found.push(slot);
  }
  return found;
}

function placesOf(targets: Targets): Place[] {
  return [...targets].map(([name, target]) => ({
    name,
    look: async () => ({ remains: await target.remains(), others: [] }),
  }));
}

async function onSource<T>({ name, source }: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await openReader(source.url, `pgveil ${name} check`);
  try {
    return await work(client);
  } finally {
    await endSession(client);
  }
}
