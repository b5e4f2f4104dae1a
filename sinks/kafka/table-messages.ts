import type { TopicConfig } from '../../config/config.ts';
import { PgveilError } from '../../src/core/errors.ts';
import type { RedactedTable } from '../../src/core/table.ts';
import type { MakeFormat } from './event.ts';
import { assertNamesFree } from './message-table.ts';
import { Messages } from './messages.ts';
import type { Topics } from './topics.ts';
import { trouble } from './trouble.ts';

interface TableMessagesOptions {
  readonly topicOf: (table: RedactedTable) => string;
  readonly topics: TopicConfig;
  readonly format: MakeFormat;
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

  /** Throws, of the table, `reserved_column` or `topic_unfit`. */
  async of(table: RedactedTable): Promise<Messages> {
    const known = this.#known.get(table);
    if (known) return known;
    assertNamesFree(table);
    const messages = await this.#make(table);
    this.#known.set(table, messages);
    return messages;
  }

  async #make(table: RedactedTable): Promise<Messages> {
    const { topicOf, topics, format } = this.#options;
    try {
      const topic = await this.#topics.open(topicOf(table), topics);
      if (topic.isCompacted)
        throw new PgveilError('topic_unfit', `the topic ${topic.name} is compacted`, { fix: NOT_COMPACTED });
      return new Messages(table, topic, format(table));
    } catch (error) {
      const { code, message, fix } = trouble(error);
      throw new PgveilError(code, message, code === 'topic_unfit' ? { table: table.name, fix } : { fix });
    }
  }
}

const NOT_COMPACTED = 'Set `cleanup.policy` of the topic to `delete`: pgveil does not write to compacted topics yet.';
