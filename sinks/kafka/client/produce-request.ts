import { type Broker, produceV9, protocolErrorsCodesById, Writer } from '@platformatic/kafka';
import type { Cluster } from './cluster.ts';
import { REQUEST_MS } from './connection-options.ts';
import { codeOf } from './trouble.ts';

/** Written by the leader and by all replicas that keep up. */
const ALL = -1;

type Answer = ReturnType<typeof produceV9.parseResponse>;

export interface EncodedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

/**
 * Sends batches, of different partitions each, to the broker that leads them. Returns the code of each in their order: `NONE`, or why not;
 * `NETWORK` where no answer came, and it may be there or not.
 */
export async function produce(
  cluster: Cluster,
  broker: Broker,
  transactionalId: string,
  batches: readonly EncodedBatch[],
): Promise<readonly string[]> {
  try {
    const connection = await cluster.connection(broker);
    const codes = codesOf(
      await new Promise<Answer>((resolve, reject) => {
        const { key, version } = produceV9.api;
        const parse: typeof produceV9.parseResponse = (...answer) => parseAnswer(answer);
        connection.send(
          key,
          version,
          () => request(transactionalId, batches),
          parse,
          true,
          true,
          (error, answer) => (error ? reject(error) : resolve(answer!)),
        );
      }),
    );
    return batches.map(({ topic, partition }) => codes.get(place(topic, partition)) ?? 'UNKNOWN_SERVER_ERROR');
  } catch (error) {
    const code = codeOf(error);
    return batches.map(() => code);
  }
}

/** Produce Request v9: https://kafka.apache.org/protocol#The_Messages_Produce. */
function request(transactionalId: string, batches: readonly EncodedBatch[]): Writer {
  const topics = Map.groupBy(batches, ({ topic }) => topic);
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(ALL)
    .appendInt32(REQUEST_MS)
    .appendArray([...topics], (writer, [topic, parts]) =>
      writer.appendString(topic).appendArray(parts, (w, { partition, bytes }) =>
        w
          .appendInt32(partition)
          .appendUnsignedVarInt(bytes.length + 1)
          .append(bytes),
      ),
    )
    .appendTaggedFields();
}

/** The client throws the whole answer away when one partition of it failed, but for this property of the error. */
function parseAnswer(answer: Parameters<typeof produceV9.parseResponse>): Answer {
  try {
    return produceV9.parseResponse(...answer);
  } catch (error) {
    const { response } = error as { response?: Answer };
    if (!response) throw error;
    return response;
  }
}

function codesOf({ responses }: Answer): Map<string, string> {
  const all = responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map(
      ({ index, errorCode }) =>
        [place(name, index), protocolErrorsCodesById[errorCode] ?? 'UNKNOWN_SERVER_ERROR'] as const,
    ),
  );
  return new Map(all);
}

/** Of a partition, for maps: no topic's name has a colon. */
export function place(topic: string, partition: number): string {
  return `${topic}:${partition}`;
}
