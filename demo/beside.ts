// What pgveil feeds beside the twin: a lake in a folder, and topics on a broker where one can be had.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { FolderStorage } from '../sinks/lake/storage/folder.ts';
import { type KafkaServer, startOwnKafka } from '../test/support/kafka/kafka.ts';

const CONFIGURATION = join(import.meta.dirname, 'pgveil.yaml');
/** As the configuration has it. */
const PIPELINE = 'demo';

export class Beside implements AsyncDisposable {
  /** Of this stage alone; below it `lake`, and the configuration that pgveil is given. */
  readonly directory: string;
  readonly kafka: KafkaServer | null;

  private constructor(directory: string, kafka: KafkaServer | null) {
    this.directory = directory;
    this.kafka = kafka;
  }

  /** Downloads Kafka where it is missing; without Docker, or Java and Maven, there are no topics, and that is said. */
  static async start(): Promise<Beside> {
    const directory = await mkdtemp(join(tmpdir(), 'pgveil-demo-'));
    const kafka = await startOwnKafka().catch((error: Error) => {
      process.stderr.write(`no Kafka, so the demo goes without topics: ${error.message}\n`);
      return null;
    });
    const document = parseDocument(await readFile(CONFIGURATION, 'utf8'));
    if (!kafka) document.deleteIn(['sinks', 'topics']);
    const beside = new Beside(directory, kafka);
    await writeFile(beside.configuration, String(document));
    return beside;
  }

  get configuration(): string {
    return join(this.directory, 'pgveil.yaml');
  }

  get environment(): Record<string, string> {
    return { LAKE: this.#lake, ...(this.kafka ? { BROKER: this.kafka.brokers[0]! } : {}) };
  }

  get lake(): FolderStorage {
    return new FolderStorage(join(this.#lake, PIPELINE));
  }

  /** Where the topics are; null where there are none. */
  get topics(): { readonly brokers: readonly string[]; readonly pipeline: string } | null {
    return this.kafka && { brokers: this.kafka.brokers, pipeline: PIPELINE };
  }

  get #lake(): string {
    return join(this.directory, 'lake');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kafka?.[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
