// What a trial is configured with.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Tables } from '../judge/decisions.ts';

/** The redaction key of all trials. */
export const KEY = Buffer.alloc(32, 'not a secret: for tests alone');

export interface TrialOptions {
  readonly tables: Tables;
  readonly memory?: string;
  readonly workers?: number;
  /** Whom it connects to the source as, if not as the superuser; and by which publication, if not by one of its own. */
  readonly sourceRole?: string;
  readonly publication?: string;
  /** More keys of the configuration's `sinks.twin`. */
  readonly sink?: Readonly<Record<string, unknown>>;
  /** More keys of `sinks.spare`, a second twin in a database of its own, where that is fed as well. */
  readonly spare?: Readonly<Record<string, unknown>>;
  /** Keys of `sinks.lake`, where one is fed as well; by default it lies in a folder of the trial's and makes a commit twice a second. */
  readonly lake?: Readonly<Record<string, unknown>>;
  /** Keys of `sinks.topics`, where Kafka is fed as well; `brokers` at least. */
  readonly kafka?: Readonly<Record<string, unknown>>;
  /** Without it nothing is fed but lake and topics. */
  readonly hasTwin?: boolean;
  /** Of each of its processes. */
  readonly environment?: Readonly<Record<string, string>>;
  /** More keys of the configuration itself. */
  readonly others?: Readonly<Record<string, unknown>>;
}

/** What its configuration says of where it is. */
export interface TrialPlace {
  readonly name: string;
  /** That of this trial: its lake and its socket lie there. */
  readonly directory: string;
  readonly port: number;
  readonly key: Buffer;
  readonly tables: Tables;
  readonly urls: { readonly source: string; readonly twin: string; readonly spare: string };
}

export function trialConfiguration(place: TrialPlace, options: TrialOptions): Record<string, unknown> {
  const { name, directory, port, key, tables, urls } = place;
  const { memory = '256MB', workers = 2, sourceRole, publication, others } = options;
  const url = new URL(urls.source);
  if (sourceRole) url.username = sourceRole;
  return {
    version: 1,
    name,
    key: key.toString('base64'),
    source: { url: url.href, snapshot: { workers }, publication },
    tables,
    sinks: sinksOf(place, options),
    memory,
    http: { listen: `127.0.0.1:${port}` },
    // By default it is made of the name, which trials of other test files have as well.
    control: join(directory, 'control.sock'),
    ...others,
  };
}

function sinksOf({ directory, urls }: TrialPlace, { hasTwin = true, sink, spare, lake, kafka }: TrialOptions) {
  const url = pathToFileURL(join(directory, 'lake')).href;
  return {
    ...(hasTwin ? { twin: { type: 'postgres', url: urls.twin, ...sink } } : {}),
    ...(spare ? { spare: { type: 'postgres', url: urls.spare, ...spare } } : {}),
    ...(lake ? { lake: { type: 'lake', url, flush: { every: '500ms' }, ...lake } } : {}),
    ...(kafka ? { topics: { type: 'kafka', ...kafka } } : {}),
  };
}

/** The database of the second twin. */
export function spareOf(name: string): string {
  return `${name}_spare`;
}
