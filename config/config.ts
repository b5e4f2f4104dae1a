import type { Secret } from '../src/core/secret.ts';
import { formatTableName, parseTableName } from '../src/core/table-name.ts';
import type { ListenAddress } from './address.ts';
import type { Decision, Settings } from './schema.ts';

/** The configuration as the program uses it: defaults filled in, secrets wrapped, tables under their one spelling. */
export interface Config {
  readonly name: string;
  /** 32 bytes or more. */
  readonly key: Secret<Buffer>;
  readonly source: SourceConfig;
  /** What becomes of a column without a decision: NULL, or its table halts. */
  readonly unlisted: { readonly columns: 'withhold' | 'halt' };
  /** The listed tables less the skipped ones, by `formatTableName`. */
  readonly tables: ReadonlyMap<string, TableConfig>;
  readonly sink: TwinConfig;
  /** In bytes. */
  readonly memory: number;
  readonly http: ListenAddress;
  /** Path of the control socket; null: the default, which is derived from the name. */
  readonly control: string | null;
}

export interface SourceConfig {
  readonly url: Secret<string>;
  readonly publication: string;
  readonly slot: string;
  readonly workers: number;
  readonly onGap: 'recopy' | 'halt';
  /** In bytes: a table of so much is not copied anew by itself. */
  readonly autoBelow: number;
  /** The longest wait before another copy of one table. */
  readonly longestRetryMs: number;
}

export interface TableConfig {
  readonly schema: string;
  readonly relation: string;
  /** Null: the primary key. */
  readonly key: readonly string[] | null;
  readonly columns: ReadonlyMap<string, Decision>;
}

export interface TwinConfig {
  readonly name: string;
  readonly url: Secret<string>;
  readonly indexes: boolean;
  /** Type on the source to type on the twin. */
  readonly types: ReadonlyMap<string, string>;
  /** The name of the column. */
  readonly sourcePrimaryKey: string;
  /** Bytes that its database may have while a second generation is made; null: as long as the disk lasts. */
  readonly room: number | null;
}

export function toConfig(settings: Settings): Config {
  const ourName = `pgveil_${settings.name}`;
  const { url, publication = ourName, slot = ourName, snapshot, on_gap: onGap } = settings.source;
  return {
    name: settings.name,
    key: settings.key,
    source: {
      url,
      publication,
      slot,
      workers: snapshot.workers,
      onGap,
      autoBelow: settings.recopy.auto_below,
      longestRetryMs: settings.recopy.retry,
    },
    unlisted: { columns: settings.unlisted.columns },
    tables: toTables(settings.tables),
    sink: toTwin(settings.sinks),
    memory: settings.memory,
    http: settings.http.listen,
    control: settings.control ?? null,
  };
}

function toTables(settings: Settings['tables']): Map<string, TableConfig> {
  const tables = new Map<string, TableConfig>();
  for (const [written, table] of settings) {
    if (table === 'skip') continue;
    const name = parseTableName(written);
    tables.set(formatTableName(name), { ...name, key: table.key ?? null, columns: table.columns });
  }
  return tables;
}

/** The schema lets exactly one sink through, and that is a twin. */
function toTwin(sinks: Settings['sinks']): TwinConfig {
  const [name, twin] = [...sinks][0]!;
  return {
    name,
    url: twin.url,
    indexes: twin.indexes,
    types: twin.types,
    sourcePrimaryKey: twin.source_primary_key,
    room: twin.room ?? null,
  };
}
