import type { KafkaConfig } from '../../config/config.ts';
import { PgveilError } from '../../src/core/errors.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import { codeOf, trouble } from './client/trouble.ts';
import type { MakeFormat } from './format/event.ts';
import { assertNamesFree } from './format/message-table.ts';
import { Messages } from './messages.ts';
import type { Topic, Topics } from './topics/topics.ts';
import { assertAllSent } from './unsent.ts';

interface TableMessagesOptions extends Pick<KafkaConfig, 'topics' | 'unchanged'> {
  readonly topicOf: (table: RedactedTable) => string;
  readonly format: MakeFormat;
  /** Null where no registry has the schemas. */
  readonly schemaIdOf: ((table: RedactedTable, topic: string) => Promise<number>) | null;
}

/** Whoever makes the messages of a table, one for each definition: made when its first row comes. */
export class TableMessages {
  readonly #topics: Topics;
  readonly #options: TableMessagesOptions;
  readonly #known = new WeakMap<RedactedTable, Messages>();

  constructor(topics: Topics, options: TableMessagesOptions) {
    this.#topics = topics;
    this.#options = options;
  }

  known(table: RedactedTable): Messages | undefined {
    return this.#known.get(table);
  }

  /** Of a table that a copy is made of: its topic may be new. Throws, of the table, `reserved_column`, `topic_unfit` or `schema_refused`. */
  async copied(table: RedactedTable): Promise<Messages> {
    return this.#known.get(table) ?? (await this.#make(table, this.#options.topics));
  }

  /** Of one that was copied: a topic that is gone now had the copy in it. */
  async streaming(table: RedactedTable): Promise<Messages> {
    return this.#known.get(table) ?? (await this.#make(table, { ...this.#options.topics, create: false }));
  }

  /** The id of a topic that was made for a copy, and that nobody noted yet. */
  takeMade({ name }: Topic): string | null {
    return this.#topics.takeMade(name);
  }

  async #make(table: RedactedTable, options: KafkaConfig['topics']): Promise<Messages> {
    const { format, schemaIdOf } = this.#options;
    assertNamesFree(table);
    const topic = await this.#topicOf(table, options);
    const schemaId = schemaIdOf && (await schemaIdOf(table, topic.name));
    const messages = new Messages(table, topic, format(table, schemaId));
    this.#known.set(table, messages);
    return messages;
  }

  async #topicOf(table: RedactedTable, options: KafkaConfig['topics']): Promise<Topic> {
    try {
      const topic = await this.#topics.open(this.#options.topicOf(table), options);
      if (topic.isCompacted && this.#options.unchanged === 'refuse') assertAllSent(table);
      return topic;
    } catch (error) {
      const { code, message, fix } = trouble(error);
      if (!isAboutTopic(code, error)) throw error;
      throw new PgveilError('topic_unfit', message, { table: table.name, ...(code === 'topic_unfit' && { fix }) });
    }
  }
}

/** A broker refuses a name that differs from that of another topic in `.` and `_` alone, and settings that it does not know. */
function isAboutTopic(code: string, thrown: unknown): boolean {
  return code === 'topic_unfit' || REFUSALS.includes(codeOf(thrown));
}

const REFUSALS = [
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_CONFIG',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
  'POLICY_VIOLATION',
];
