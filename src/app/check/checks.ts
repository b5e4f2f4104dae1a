import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../../config/config.ts';
import { askedOf, type Reading } from '../../../connectors/postgres/catalog/reading.ts';
import { checkSource } from '../../../connectors/postgres/check/check.ts';
import type { Detaching } from '../../../connectors/postgres/check/detaching.ts';
import { streamName } from '../../../connectors/postgres/session.ts';
import { define } from '../../../transforms/definition.ts';
import { deriveKeys } from '../../../transforms/keys.ts';
import type { TableEntry } from '../../core/checkpoint.ts';
import { ERRORS, type Finding, PgveilError } from '../../core/errors.ts';
import type { Identity } from '../../core/identity.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { LeavingTable, Target } from '../../core/target.ts';
import { mergeCheckpoints } from '../../pipeline/checkpoints.ts';
import type { Check } from '../assembly.ts';
import { findInClear } from './clear-text.ts';
import { reservedColumns } from './reserved.ts';
import { type StoredIn, whereSinksStand } from './standing.ts';
import { changesSince, missedSince, sinksAdded, type Wanted } from './start-findings.ts';

/** By the sinks' names. */
export type Targets = ReadonlyMap<string, Target>;

/** What `check` asks. `identify` says which database the source is. */
export function checksOf(config: Config, targets: Targets, identify: () => Promise<Identity>): readonly Check[] {
  return [
    { needs: 'source', findings: () => findSource(config, targets) },
    ...[...targets].map(([name, target]) => ({ needs: name, findings: () => target.check() })),
    { needs: 'source', findings: () => findOnePlace(targets, identify) },
    { needs: 'source', findings: async () => findInClear(config) },
  ];
}

/** The server, the tables, and what a start would do with them. */
async function findSource(config: Config, targets: Targets): Promise<Finding[]> {
  const { url, publication, slot, failover, onGap } = config.source;
  let asked: Promise<StoredIn> | null = null;
  const stored = () => (asked ??= storedIn(targets));
  const leaving: LeavingTable[] = [];
  const judge = async (reading: Reading) => findRules(config, targets, reading, await stored(), leaving);
  const positions = async (stands: Lsn | null) => whereSinksStand(await stored(), stands);
  const footing = { pipeline: config.name, onGap, positions };
  const stream = streamName(config.name);
  const tables = askedOf(config);
  const expected = { url, publication, slot, failover, stream, tables, footing, detaching: detachingOf(config) };
  const found = await checkSource(expected, judge);
  const entries = entriesOf(await stored());
  const ofSinks = await ofEach(targets, (target) =>
    target.checkTables(leaving).catch((error) => unlessKnown(error, [])),
  );
  return [...found.map((finding) => missedSince(entries, config.tables, finding)), ...[...ofSinks.values()].flat()];
}

function detachingOf({ source, sinks }: Config): Detaching {
  const detached = [...sinks.values()].filter(({ mayDetach }) => mayDetach);
  return { sinks: detached.map(({ name }) => name), hasOthers: sinks.size > 1, walLimit: source.walLimit };
}

/** Whether rules fit the tables that are there, and what a start would do because the rules changed. Tables that can leave go to `leaving`. */
function findRules(
  config: Config,
  targets: Targets,
  reading: Reading,
  stored: StoredIn,
  leaving: LeavingTable[],
): Finding[] {
  const entries = entriesOf(stored);
  const keys = deriveKeys(config.key);
  const wanted: Wanted[] = [];
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
  return [...unfit, ...sinksAdded(stored, wanted), ...changesSince(entries, wanted)];
}

/** Places that are one: nothing can be copied into itself, and each pipeline has one checkpoint in each. */
async function findOnePlace(targets: Targets, identify: () => Promise<Identity>): Promise<Finding[]> {
  const [source, others] = await Promise.all([
    identify().catch((error) => unlessKnown(error, null)),
    ofEach(targets, (target) => target.identity().catch((error) => unlessKnown(error, null))),
  ]);
  const known = [...others].filter(([, identity]) => identity !== null);
  return known.flatMap(([name, identity], at) => {
    const isShared = known.slice(0, at).some(([, other]) => isDeepStrictEqual(other, identity));
    const code = isDeepStrictEqual(source, identity) ? 'twin_is_source' : isShared ? 'sink_shared' : null;
    if (code === null) return [];
    const object = `sinks.${name}.${'clusterId' in identity! ? 'brokers' : 'url'}`;
    return [{ code, object, message: ERRORS[code].means, fix: ERRORS[code].fix }];
  });
}

async function storedIn(targets: Targets): Promise<StoredIn> {
  return await ofEach(targets, (target) => target.checkpoint().catch((error) => unlessKnown(error, undefined)));
}

/** Whether any sink that answers holds something durably. */
export async function hasRun(targets: Targets): Promise<boolean> {
  return [...(await storedIn(targets)).values()].some((stored) => stored?.position != null);
}

/** What the sinks that answer hold in common. */
function entriesOf(stored: StoredIn): ReadonlyMap<string, TableEntry> {
  return mergeCheckpoints([...stored.values()].flatMap((checkpoint) => checkpoint ?? [])).tables;
}

/** The same question to each. */
export async function ofEach<T>(
  targets: Targets,
  ask: (target: Target) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  return new Map(await Promise.all([...targets].map(async ([name, target]) => [name, await ask(target)] as const)));
}

function unlessKnown<T>(error: unknown, instead: T): T {
  known(error);
  return instead;
}

/** What a part says that cannot be asked. Throws what is a mistake of ours. */
export function known(error: unknown): PgveilError {
  if (error instanceof PgveilError) return error;
  throw error;
}
