import type { Secret } from '../src/core/secret.ts';
import { formatTableName, parseTableName } from '../src/core/table-name.ts';
import type { BrokerAddress, LakePlace, ListenAddress } from './address.ts';
import type { Decision } from './rules.ts';
import type { Settings } from './schema.ts';

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
  /** One at least, by their names. */
  readonly sinks: ReadonlyMap<string, SinkConfig>;
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
  /** Whether standbys keep the slot, too; null: where the server can, and a slot that is there stays as it is. */
  readonly failover: boolean | null;
  readonly walAlarm: WalAlarmConfig;
  /** Bytes that a slot may keep before a sink that holds it back is let go of; null: what the server says. */
  readonly walLimit: number | null;
  /** In bytes: a table of so much is not copied anew by itself. */
  readonly autoBelow: number;
  /** The longest wait before another copy of one table. */
  readonly longestRetryMs: number;
}

/** When an operator is told that a slot holds back too much WAL. */
export interface WalAlarmConfig {
  /** So many bytes, or more. */
  readonly retained: number;
  /** The slot would be lost in less, in milliseconds. */
  readonly timeLeftMs: number;
}

export interface TableConfig {
  readonly schema: string;
  readonly relation: string;
  /** Null: the primary key. */
  readonly key: readonly string[] | null;
  readonly columns: ReadonlyMap<string, Decision>;
}

/** `type` tells what it is. */
export type SinkConfig = TwinConfig | LakeConfig | KafkaConfig;

interface AnySinkConfig {
  readonly name: string;
  /** How long the others' slot waits for it when it is away. */
  readonly patienceMs: number;
  /** Whether it is let go of when its WAL is too much for the source. */
  readonly mayDetach: boolean;
}

export interface TwinConfig extends AnySinkConfig {
  readonly type: 'postgres';
  readonly url: Secret<string>;
  readonly indexes: boolean;
  /** Type on the source to type on the twin. */
  readonly types: ReadonlyMap<string, string>;
  /** The name of the column. */
  readonly sourcePrimaryKey: string;
  /** Bytes that its database may have while a second generation is made; null: as long as the disk lasts. */
  readonly room: number | null;
}

export interface LakeConfig extends AnySinkConfig {
  readonly type: 'lake';
  readonly place: LakePlace;
  /** Of a store other than AWS; null for AWS, and for a folder. */
  readonly endpoint: string | null;
  /** A commit is made when so much was written, or when the oldest of it is so old. */
  readonly flush: { readonly bytes: number; readonly everyMs: number };
  /** What timestamps without a zone are in the lake. */
  readonly timestamps: 'timestamp_ntz' | 'string';
}

export interface KafkaConfig extends AnySinkConfig {
  readonly type: 'kafka';
  readonly connection: KafkaConnection;
  /** Of a table: `{name}.{schema}.{table}`, `{name}` being the pipeline's. */
  readonly topic: string;
  readonly topics: TopicConfig;
  readonly format: 'debezium' | 'flat';
  /** Of `debezium`: with each message its schema. */
  readonly schema: 'inline' | 'none';
  /** Where schemas are instead. */
  readonly registry: RegistryConfig | null;
  readonly int8: 'number' | 'string';
  /** What becomes of a table whose topic is compacted and may lack values that an update left alone: see docs/05-kafka.md. */
  readonly unchanged: 'refuse' | 'allow';
  readonly compression: 'none' | 'zstd';
  /** In bytes of messages: a source transaction that is larger is committed in parts. */
  readonly split: number;
}

export interface KafkaConnection {
  readonly brokers: readonly BrokerAddress[];
  /** Null: without TLS. PEM texts; null where the system's authorities are trusted, and where brokers ask for no certificate of ours. */
  readonly tls: {
    readonly authority: string | null;
    readonly certificate: string | null;
    readonly key: Secret<string> | null;
  } | null;
  readonly sasl: PasswordLogin | TokenLogin | null;
}

export interface PasswordLogin {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: Secret<string>;
}

export interface TokenLogin {
  readonly mechanism: 'OAUTHBEARER';
  /** One that somebody else keeps fresh, or where to get one. */
  readonly token: Secret<string> | TokenEndpoint;
}

/** Gives tokens for the credentials of a client: RFC 6749, 4.4. */
export interface TokenEndpoint {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: Secret<string>;
  readonly scope: string | null;
}

/** A Schema Registry, and what is written with its schemas. */
export interface RegistryConfig {
  /** Without a slash at its end. */
  readonly url: string;
  readonly format: 'avro' | 'json';
  readonly credentials: { readonly username: string; readonly password: Secret<string> } | null;
}

/** How topics are made that are not there. */
export interface TopicConfig {
  /** False: they are only checked. */
  readonly create: boolean;
  /** -1: as the brokers have it. */
  readonly partitions: number;
  readonly replicas: number;
  /** As Kafka calls them: `retention.ms`. */
  readonly configs: Readonly<Record<string, string>>;
}

export function toConfig(settings: Settings): Config {
  const ourName = `pgveil_${settings.name}`;
  const { url, publication = ourName, slot = ourName, snapshot, on_gap: onGap } = settings.source;
  const { failover = null, wal_alarm: alarm, wal_limit: walLimit = null } = settings.source;
  return {
    name: settings.name,
    key: settings.key,
    source: {
      url,
      publication,
      slot,
      workers: snapshot.workers,
      onGap,
      failover,
      walAlarm: { retained: alarm.retained, timeLeftMs: alarm.time_left },
      walLimit,
      autoBelow: settings.recopy.auto_below,
      longestRetryMs: settings.recopy.retry,
    },
    unlisted: { columns: settings.unlisted.columns },
    tables: toTables(settings.tables),
    sinks: new Map([...settings.sinks].map(([name, sink]) => [name, toSink(name, sink)])),
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

type SinkSettings = Settings['sinks'] extends Map<string, infer S> ? S : never;

function toSink(name: string, sink: SinkSettings): SinkConfig {
  const any = { name, patienceMs: sink.patience, mayDetach: sink.on_wal_limit === 'detach' };
  switch (sink.type) {
    case 'postgres': {
      const { type, url, indexes, types, room = null } = sink;
      return { ...any, type, url, indexes, types, sourcePrimaryKey: sink.source_primary_key, room };
    }
    case 'lake': {
      const { type, url: place, endpoint = null, timestamps } = sink;
      const flush = { bytes: sink.flush.bytes, everyMs: sink.flush.every };
      return { ...any, type, place, endpoint, flush, timestamps };
    }
    case 'kafka':
      return { ...any, ...toKafka(sink) };
  }
}

type KafkaSettings = SinkSettings & { type: 'kafka' };

function toKafka(sink: KafkaSettings): Omit<KafkaConfig, keyof AnySinkConfig> {
  const { type, brokers, tls = null, sasl = null, topics, topic, format, schema, registry = null } = sink;
  const { int8, unchanged, compression, split } = sink;
  const { create, partitions = -1, replicas = -1, config } = topics;
  const { ca: authority = null, certificate = null, key = null } = tls ?? {};
  return {
    type,
    connection: { brokers, tls: tls && { authority, certificate, key }, sasl: sasl && toLogin(sasl) },
    topic,
    // A copy's reads are part of what a table amounts to: they must not go by their age.
    topics: { create, partitions, replicas, configs: { 'retention.ms': '-1', ...Object.fromEntries(config) } },
    format,
    schema: schema === 'registry' ? 'none' : schema,
    registry: registry && toRegistry(registry),
    int8,
    unchanged,
    compression,
    split,
  };
}

function toLogin(sasl: NonNullable<KafkaSettings['sasl']>): PasswordLogin | TokenLogin {
  if (sasl.mechanism !== 'OAUTHBEARER') return sasl;
  const { mechanism, token, token_url: url, client_id: clientId, client_secret: clientSecret, scope = null } = sasl;
  // The schema lets one of the two through, and each of them whole.
  return { mechanism, token: token ?? { url: url!, clientId: clientId!, clientSecret: clientSecret!, scope } };
}

function toRegistry({ url, format, username, password }: NonNullable<KafkaSettings['registry']>): RegistryConfig {
  return { url, format, credentials: username && password ? { username, password } : null };
}
