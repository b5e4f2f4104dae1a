import type { RedactedBatch } from '../../src/core/batch.ts';
import type { Checkpoint, Position } from '../../src/core/checkpoint.ts';
import { PgveilError } from '../../src/core/errors.ts';
import { FailStop } from '../../src/core/fail-stop.ts';
import { orGiveUp } from '../../src/core/give-up.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import type { Pace, Sink } from '../../src/core/sink.ts';
import { asTrouble } from './client/trouble.ts';
import type { KafkaOptions } from './options.ts';
import { Schemas } from './registry/schemas.ts';
import { Session } from './session.ts';

/** Topics of messages, written in Kafka's transactions. The checkpoint is a record in the same transaction as the rows. */
export class KafkaSink implements Sink {
  readonly pace: Pace = { atRest: true, bytes: 16 * 1024 * 1024, ms: 100 };
  readonly #options: KafkaOptions;
  readonly #schemas: Schemas | null;
  /** After a failure what was written is incomplete: no later flush may make it durable, and the producers are of no use. */
  readonly #session = new FailStop<Session>('kafka_away', (session, reason) => session.close(reason));
  /** The last position that Kafka said it holds; what it tells later must not lie before it. */
  #acknowledged: Lsn | null = null;

  constructor(options: KafkaOptions) {
    this.#options = options;
    const { registry } = options;
    this.#schemas = registry && new Schemas({ ...options, registry });
  }

  async open(signal: AbortSignal): Promise<Checkpoint> {
    const session = await this.#session.open(() => asTrouble(() => Session.open(this.#options, this.#schemas, signal)));
    const { position, tables } = session.stored;
    if (this.#acknowledged !== null && (position?.pos ?? 0n) < this.#acknowledged) {
      this.#acknowledged = null; // once it was said, a person may want to go on
      await this.close();
      throw new PgveilError('kafka_lost', 'the checkpoint is older than the last commit that Kafka acknowledged');
    }
    return { position, tables };
  }

  async write(batch: RedactedBatch): Promise<void> {
    const refused = await this.#session.orClose((session) =>
      asTrouble(() =>
        orGiveUp(
          batch,
          () => session.write(batch),
          (table) => session.stopCopy(table),
        ),
      ),
    );
    if (refused) throw refused;
  }

  async flush(position: Position): Promise<void> {
    await this.#session.orClose(async (session) => {
      await asTrouble(() => session.commit(position, null));
      this.#acknowledged = position.pos;
    });
  }

  async settled(table: string): Promise<boolean> {
    const session = this.#session.opened();
    return await asTrouble(() => session.settled(table));
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}
