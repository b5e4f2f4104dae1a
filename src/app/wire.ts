import type { Config } from '../../config/config.ts';
import { readCatalog } from '../../connectors/postgres/catalog.ts';
import { checkSource } from '../../connectors/postgres/check.ts';
import { dropPublication, readPublication } from '../../connectors/postgres/publication.ts';
import type { Asked } from '../../connectors/postgres/reading.ts';
import { endSession, openReader } from '../../connectors/postgres/session.ts';
import { dropSlot, inspectSlot } from '../../connectors/postgres/slot.ts';
import { observeSlot } from '../../connectors/postgres/slot-report.ts';
import { PostgresSource } from '../../connectors/postgres/source.ts';
import { checkTwin } from '../../sinks/postgres/check.ts';
import { readCheckpoint } from '../../sinks/postgres/checkpoint.ts';
import { dropPipeline } from '../../sinks/postgres/drop.ts';
import { connectTwin, type TwinOptions } from '../../sinks/postgres/session.ts';
import { PostgresSink } from '../../sinks/postgres/sink.ts';
import { findings, whatChanged } from '../../transforms/definition.ts';
import { RowRedactor } from '../../transforms/redactor.ts';
import type { Checkpoint, TableEntry } from '../core/checkpoint.ts';
import { ERRORS, type Finding } from '../core/errors.ts';
import { identify } from '../postgres/identity.ts';
import type { Assemble, Remains, Stored } from './assembly.ts';
import { RenewedUrl } from './renewed.ts';

/** The only place that names concrete parts: what the configuration says, as objects that know each other by their contracts alone. */
export const assemble: Assemble = (config, reload) => {
  const wired = new Wired(config, reload);
  const { name } = config.sink;
  return {
    checks: [
      { needs: 'source', findings: () => wired.checkSource() },
      { needs: name, findings: () => checkTwin(wired.twin) },
      { needs: 'source', findings: () => wired.checkDecisions() },
      { needs: name, findings: () => wired.checkDistinct() },
    ],
    parts(observe) {
      const redactor = new RowRedactor(config, observe);
      const { wanted } = redactor;
      const { source: settings, tables, memory } = config;
      const source = { ...settings, url: wired.sourceUrl };
      const reader = new PostgresSource({ pipeline: config.name, source, tables, memory, wanted, observe });
      return { source: reader, sinks: new Map([[name, new PostgresSink(wired.twin, observe)]]), redactor };
    },
    stored: () => wired.stored(),
    remains: (data) => wired.remains(data),
  };
};

class Wired {
  readonly sourceUrl: RenewedUrl;
  readonly twin: TwinOptions;
  readonly #config: Config;
  readonly #asked: ReadonlyMap<string, Asked>;

  constructor(config: Config, reload: () => Config) {
    const { name: pipeline, source, sink, tables } = config;
    this.#config = config;
    this.sourceUrl = new RenewedUrl(source.url, () => reload().source.url);
    this.twin = { ...sink, url: new RenewedUrl(sink.url, () => reload().sink.url), pipeline, tables };
    this.#asked = new Map(
      [...tables].map(([table, { schema, name, key }]) => [table, { schema, relation: name, key }]),
    );
  }

  /** A table that was copied once and is not there any more halts alone; one that never was is a mistyped name. */
  async checkSource(): Promise<Finding[]> {
    const { publication, slot } = this.#config.source;
    const { sourcePrimaryKey } = this.#config.sink;
    const found = await checkSource({ url: this.sourceUrl, tables: this.#asked, publication, slot, sourcePrimaryKey });
    const { tables } = await this.#storedOrNothing();
    return found.map((finding) => {
      const isGone = finding.code === 'unknown_table' && tables.has(finding.object);
      return isGone ? { ...finding, code: 'table_missing', fix: ERRORS.table_missing.fix } : finding;
    });
  }

  /** The decisions against the catalog, and against what was copied under others. */
  async checkDecisions(): Promise<Finding[]> {
    const reading = await this.#onSource((client) => readCatalog(client, this.#asked));
    const { tables: entries } = await this.#storedOrNothing();
    return [...reading.tables.values()].flatMap(({ table, leaves }) => {
      if (!table) return [];
      const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0);
      return [...findings(table, this.#config, entries), ...whatChanged(table, this.#config, entries, bytes)];
    });
  }

  async checkDistinct(): Promise<Finding[]> {
    const [source, twin] = await Promise.all([
      this.#onSource((client) => identify(client, 'source')),
      this.#onTwin((client) => identify(client, 'twin')),
    ]);
    const isSame = source.systemIdentifier === twin.systemIdentifier && source.databaseOid === twin.databaseOid;
    if (!isSame) return [];
    const { means: message, fix } = ERRORS.twin_is_source;
    return [{ code: 'twin_is_source', object: `sinks.${this.#config.sink.name}.url`, message, fix }];
  }

  async stored(): Promise<Stored> {
    const checkpoint = await this.#onTwin((client) => readCheckpoint(client, this.#config.name));
    const slot = await this.#onSource((client) => observeSlot(client, this.#config.source.slot)).catch(() => null);
    return { checkpoints: new Map([[this.#config.sink.name, checkpoint]]), slot };
  }

  async remains(data: boolean): Promise<Remains[]> {
    const { source, sink, name } = this.#config;
    const { slot, made } = await this.#onSource(async (client) => ({
      slot: await inspectSlot(client, source.slot),
      made: (await readPublication(client, source.publication))?.made,
    }));
    const checkpoint = await this.#onTwin((client) => readCheckpoint(client, name));
    const remains: Remains[] = [];
    if (slot) {
      const remove = () => this.#onSource((client) => dropSlot(client, source.slot));
      remains.push({ what: `replication slot ${source.slot} on the source`, remove });
    }
    if (made) {
      const remove = () => this.#onSource((client) => dropPublication(this.sourceUrl, client, source.publication));
      remains.push({ what: `publication ${source.publication} on the source`, remove });
    }
    if (checkpoint.position || checkpoint.tables.size > 0) {
      const what = data ? `checkpoint and tables of ${name} on ${sink.name}` : `checkpoint of ${name} on ${sink.name}`;
      remains.push({ what, remove: () => this.#onTwin((client) => dropPipeline(client, name, { data })) });
    }
    return remains;
  }

  /** For checks that can do without: that the twin is away is a finding of its own. */
  async #storedOrNothing(): Promise<Pick<Checkpoint, 'tables'>> {
    const nothing = { tables: new Map<string, TableEntry>() };
    return await this.#onTwin((client) => readCheckpoint(client, this.#config.name)).catch(() => nothing);
  }

  async #onSource<T>(work: (client: Awaited<ReturnType<typeof openReader>>) => Promise<T>): Promise<T> {
    const client = await openReader(this.sourceUrl, `pgveil ${this.#config.name}`);
    return await work(client).finally(() => endSession(client));
  }

  async #onTwin<T>(work: (client: Awaited<ReturnType<typeof connectTwin>>) => Promise<T>): Promise<T> {
    const client = await connectTwin(this.twin);
    return await work(client).finally(() => client.end().catch(() => {}));
  }
}
