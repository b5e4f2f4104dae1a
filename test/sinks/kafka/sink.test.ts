import { after, before } from 'node:test';
import { Cluster } from '../../../sinks/kafka/client/cluster.ts';
import type { KafkaOptions } from '../../../sinks/kafka/options.ts';
import { KafkaSink } from '../../../sinks/kafka/sink.ts';
import { topicName } from '../../../sinks/kafka/topics/topic-name.ts';
import { acceptSink } from '../../acceptance/sink.ts';
import { type KafkaServer, startKafka } from '../../support/kafka/kafka.ts';
import { flatRecords, fold } from './fold.ts';
import { idsOf, markersWritten, optionsFor, plainConnection } from './parts.ts';

let server: KafkaServer;
let cluster: Cluster;
const names = new Map<string, string>();
/** Brokers may be shared with others, so each pipeline gets a name of its own. */
const nameOf = (pipeline: string) => {
  const name = names.get(pipeline) ?? server.name(pipeline);
  names.set(pipeline, name);
  return name;
};
before(async () => {
  server = await startKafka();
  cluster = new Cluster(plainConnection(server.brokers));
});
after(async () => {
  await cluster.close();
  await server[Symbol.asyncDispose]();
});

const COMPACTED: Partial<KafkaOptions> = {
  topics: { create: true, partitions: 3, replicas: 1, configs: { 'cleanup.policy': 'compact' } },
  unchanged: 'allow',
};

for (const [name, changed] of [['kafka', {}] as const, ['kafka, compacted topics', COMPACTED] as const]) {
  acceptSink(
    name,
    (pipeline) => new KafkaSink(optionsFor(server, { ...changed, pipeline: nameOf(pipeline) })),
    async (pipeline, table) => {
      const options = optionsFor(server, { pipeline: nameOf(pipeline) });
      await markersWritten(cluster, idsOf(options.pipeline));
      const topic = topicName({ template: options.topic, pipeline: options.pipeline }, table);
      return fold(table, await flatRecords(cluster, topic));
    },
  );
}
