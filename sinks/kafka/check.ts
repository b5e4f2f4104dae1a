import { ERRORS, type ErrorCode, type Finding, PgveilError } from '../../src/core/errors.ts';
import type { LeavingTable } from '../../src/core/target.ts';
import { checkpointTopicOf } from './checkpoint-topic.ts';
import type { Cluster } from './client/cluster.ts';
import { TRANSACTION_MS } from './client/transaction.ts';
import type { KafkaOptions } from './options.ts';
import { isTakenFor, topicName } from './topics/topic-name.ts';
import { type BrokerDefaults, configCommand, type Topic, type Topics } from './topics/topics.ts';
import { assertAllSent, unsentColumns } from './unsent.ts';

/** Kafka's own default: rows of so many bytes are nothing unusual. */
const USUAL_BYTES = 1024 * 1024;

export interface CheckParts {
  readonly options: KafkaOptions;
  readonly cluster: Cluster;
  readonly topics: Topics;
}

/** A topic as it is, or as it would be made. Of a setting that we may not ask for there is nothing. */
type Sketch = Partial<Omit<BrokerDefaults, 'transactionMs'>> & { readonly name: string };

/** The topic of a table, and what it is where it is there. */
interface Planned {
  readonly table: LeavingTable;
  readonly name: string;
  readonly seen: Topic | null;
}

/** What concerns the pipeline as a whole: the brokers, and the topic of the checkpoint. */
export async function checkBrokers({ options, cluster, topics }: CheckParts): Promise<Finding[]> {
  await cluster.refresh(checkpointTopicOf(options.pipeline));
  const defaults = await topics.defaults();
  const object = `sinks.${options.name}`;
  const found: Finding[] = [];
  if (defaults && defaults.transactionMs < TRANSACTION_MS) {
    const message = `the brokers allow transactions of ${defaults.transactionMs} ms, and ours may take ${TRANSACTION_MS}`;
    found.push({ code: 'kafka_unfit', object, message, fix: ERRORS.kafka_unfit.fix });
  }
  const name = checkpointTopicOf(options.pipeline);
  const checkpoint = (await topics.look(name)) ?? sketched(name, { ...options.topics, configs: {} }, defaults);
  return [...found, ...durability(object, checkpoint)];
}

/** What concerns tables: their topics, as they are or as they would be made, and what their messages lack. */
export async function checkTopics(parts: CheckParts, tables: readonly LeavingTable[]): Promise<Finding[]> {
  const { options, cluster, topics } = parts;
  const found: Finding[] = [];
  await cluster.refresh(checkpointTopicOf(options.pipeline));
  const defaults = await topics.defaults();
  const planned: Planned[] = [];
  for (const table of tables) {
    const name = topicName({ template: options.topic, pipeline: options.pipeline }, table);
    planned.push({ table, name, seen: await topics.look(name) });
  }
  for (const { table, name, seen } of planned) {
    const [taken] = seen ? [] : takenFor(name, planned);
    if (taken) found.push(takenName(table, name, taken));
    else if (!seen && !options.topics.create) found.push(absent(table, name));
    else if (!seen && options.topics.replicas > cluster.size) found.push(tooFewBrokers(table, parts));
    else {
      const topic = seen ?? sketched(name, options.topics, defaults);
      found.push(...unsent(table, topic, options), ...durability(table.name, topic), ...room(table, topic));
    }
  }
  return found;
}

function sketched(
  name: string,
  { replicas, configs }: KafkaOptions['topics'],
  defaults: BrokerDefaults | null,
): Sketch {
  const given = (config: string) => configs[config];
  const number = (config: string) => (given(config) === undefined ? undefined : Number(given(config)));
  const known = {
    replicas: replicas === -1 ? undefined : replicas,
    isCompacted: given('cleanup.policy')?.includes('compact'),
    leastReplicas: number('min.insync.replicas'),
    maxMessageBytes: number('max.message.bytes'),
  };
  const said = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
  return { name, ...defaults, ...said };
}

function unsent(table: LeavingTable, { name, isCompacted }: Sketch, { unchanged }: KafkaOptions): Finding[] {
  if (isCompacted && unchanged === 'refuse') return refused(() => assertAllSent(table));
  const columns = unsentColumns(table);
  if (columns.length === 0) return [];
  const message = `messages in ${name} lack ${columns.join(', ')} of ${table.name} if a value is large and an update left it unchanged`;
  const fix = `ALTER TABLE ${table.name} REPLICA IDENTITY FULL; or have readers take such a value from the row’s previous message.`;
  return [finding('values_unsent', table.name, message, fix)];
}

/** What the sink itself would refuse, in its words. */
function refused(assert: () => void): Finding[] {
  try {
    assert();
    return [];
  } catch (error) {
    if (!(error instanceof PgveilError)) throw error;
    return [finding(error.code, error.table!, error.message, error.fix)];
  }
}

/** All that we write is acknowledged by as many replicas as the topic asks for. */
function durability(object: string, { name, replicas, leastReplicas }: Sketch): Finding[] {
  if (replicas === undefined || leastReplicas === undefined) return [];
  if (leastReplicas > replicas) {
    const message = `min.insync.replicas of ${name} is ${leastReplicas}, and it has ${replicas} replicas: some brokers take no message then`;
    return [finding('topic_at_risk', object, message, configCommand(name, `min.insync.replicas=${replicas}`))];
  }
  if (replicas > 1 && leastReplicas === 1) {
    const message = `min.insync.replicas of ${name} is 1: what only one broker has acknowledged is lost with its disk`;
    return [finding('topic_at_risk', object, message, configCommand(name, 'min.insync.replicas=2'))];
  }
  if (replicas > 1 && leastReplicas === replicas) {
    const message = `min.insync.replicas of ${name} is ${leastReplicas}, as many as it has replicas: nothing can be written while one broker is away`;
    return [finding('topic_at_risk', object, message, configCommand(name, `min.insync.replicas=${replicas - 1}`))];
  }
  return [];
}

/** A table that has nothing large cannot have a row that does not fit. */
function room(table: LeavingTable, { name, maxMessageBytes }: Sketch): Finding[] {
  const mayBeLarge = unsentColumns({ ...table, identity: 'default' }).length > 0;
  if (!mayBeLarge || maxMessageBytes === undefined || maxMessageBytes >= USUAL_BYTES) return [];
  const message = `${name} takes messages of ${maxMessageBytes} bytes, and a larger row would halt ${table.name}`;
  return [finding('topic_at_risk', table.name, message, configCommand(name, `max.message.bytes=${USUAL_BYTES}`))];
}

/** Those that are there already, or are made before it. */
function takenFor(name: string, planned: readonly Planned[]): Planned[] {
  const at = planned.findIndex((one) => one.name === name);
  return planned.filter((other, index) => isTakenFor(other.name, name) && (other.seen !== null || index < at));
}

function takenName({ name: table }: LeavingTable, topic: string, other: Planned): Finding {
  const message = `${topic} differs from ${other.name}, the topic of ${other.table.name}, in \`.\` and \`_\` alone, and Kafka takes one of them only`;
  const fix = `Set \`topic\` of the sink to '{name}.{schema}-.{table}': no two names are alike then. All topics are other ones by that, so a table that was copied before needs \`pgveil recopy TABLE\`.`;
  return finding('topic_unfit', table, message, fix);
}

function absent({ name: table }: LeavingTable, topic: string): Finding {
  const message = `the topic ${topic} is not there, and \`topics.create\` is false`;
  return finding('topic_unfit', table, message, 'Create it, or set `topics.create: true`.');
}

function tooFewBrokers({ name }: LeavingTable, { options, cluster }: CheckParts): Finding {
  const message = `\`topics.replicas\` is ${options.topics.replicas}, and there are ${cluster.size} brokers`;
  return finding('topic_unfit', name, message, `Set \`topics.replicas\` of the sink to ${cluster.size} or less.`);
}

function finding(code: ErrorCode, object: string, message: string, fix: string): Finding {
  return { code, object, message, fix };
}
