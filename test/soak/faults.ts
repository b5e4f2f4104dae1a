// What goes wrong during a soak, and is mended a while later.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random/prng.ts';
import type { Incarnations } from './incarnations.ts';
import type { Place } from './place.ts';

export interface Scene {
  readonly place: Place;
  readonly service: Incarnations;
  readonly random: Random;
  /** How long a server stays away, in ms. */
  readonly outage: { readonly least: number; readonly most: number };
}

/** Resolves when what was broken is whole again; the service may still have to notice. */
type Fault = (scene: Scene) => Promise<unknown>;

/** By what they are about. */
const FAULTS: Readonly<Record<string, Readonly<Record<string, Fault>>>> = {
  service: {
    'service killed': ({ service }) => service.kill(),
  },
  twin: {
    'twin stopped': (scene) => away(scene, twinOf(scene).stop('fast'), twinOf(scene)),
    'twin crashed': (scene) => away(scene, twinOf(scene).stop('immediate'), twinOf(scene)),
  },
  lake: {
    'S3 killed': (scene) => away(scene, scene.place.s3.stop(), scene.place.s3),
  },
  topics: {
    'Kafka stopped': (scene) => away(scene, brokerOf(scene).signal('SIGTERM'), brokerOf(scene)),
    'Kafka killed': (scene) => away(scene, brokerOf(scene).signal('SIGKILL'), brokerOf(scene)),
  },
  source: {
    'source restarted': ({ place }) => place.servers.source.restart('fast'),
    'source crashed': ({ place }) => place.servers.source.restart('immediate'),
  },
  network: {
    'connections to the source cut': async ({ place }) => place.proxies.source.cut(),
    'connections to the twin cut': async ({ place }) => place.proxies.twin.cut(),
    'connections to S3 cut': async ({ place }) => place.proxies.lake.cut(),
    'connections to Kafka cut': async ({ place }) => place.proxies.topics.cut(),
  },
  definition: {
    'account altered': (scene) => moodChanged('account', scene),
    'visit altered': (scene) => moodChanged('visit', scene),
  },
};

export type FaultName = string;

/**
 * So many faults, of each kind one before there is a second of any. The service is killed in the first half alone: the process of the
 * second half lives for long enough to show whether its memory grows.
 */
export function schedule(count: number, random: Random): FaultName[] {
  const names: FaultName[] = [];
  while (names.length < count) {
    const kinds = Object.keys(FAULTS);
    const isEarly = names.length === 0 || names.length + kinds.length <= count / 2;
    const left = kinds.filter((kind) => isEarly || kind !== 'service');
    while (left.length > 0) {
      const [kind] = left.splice(random.int(0, left.length - 1), 1);
      names.push(random.pick(Object.keys(FAULTS[kind!]!)));
    }
  }
  return names.slice(0, count);
}

export async function strike(name: FaultName, scene: Scene): Promise<void> {
  await Object.assign({}, ...Object.values(FAULTS))[name](scene);
}

const twinOf = ({ place }: Scene) => place.servers.twin;
const brokerOf = ({ place }: Scene) => place.kafka.node(1);

async function away({ random, outage }: Scene, stopped: Promise<void>, server: { start(): Promise<void> }) {
  await stopped;
  await sleep(random.int(outage.least, outage.most));
  await server.start();
}

/** No row tells of it: the table is copied anew. */
async function moodChanged(table: string, { place: { servers, trial } }: Scene): Promise<void> {
  const sql = `SELECT FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'mood'`;
  const [mood] = await servers.source.query(sql, { database: trial.name, values: [table] });
  const change = mood ? 'DROP COLUMN mood' : `ADD COLUMN mood text DEFAULT 'merry'`;
  await servers.source.query(`ALTER TABLE ${table} ${change}`, { database: trial.name });
}
