// Other people's consumer of Kafka: confluent-kafka from PyPI, in an environment of its own in `.servers`.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../project.ts';
import { buildOnce, serversDirectory } from '../servers/servers-directory.ts';

const execute = promisify(execFile);

/** A change of these is a new directory below. What comes after the first reads Avro and JSON Schema through a registry. */
const PACKAGES = [
  'confluent-kafka==2.16.1',
  ...[
    'fastavro==1.13.1',
    'jsonschema==4.26.0',
    'httpx2',
    'authlib',
    'attrs',
    'cachetools',
    'certifi',
    'typing_extensions',
  ],
];
/** A download that hangs is a failure and not a run that never ends. */
const INSTALL_MS = 10 * 60_000;

const PROGRAM = `
import json, sys
from confluent_kafka import Consumer, KafkaError, TopicPartition
brokers, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = Consumer({'bootstrap.servers': brokers, 'group.id': topic + '-reader', 'isolation.level': 'read_committed',
    'enable.auto.commit': False, 'auto.offset.reset': 'earliest', 'enable.partition.eof': True})
consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
text = lambda given: None if given is None else given.decode('utf-8', 'backslashreplace')
found, left = [], partitions
while left > 0:
    message = consumer.poll(30)
    if message is None: sys.exit('nothing came for 30 seconds')
    if message.error():
        if message.error().code() != KafkaError._PARTITION_EOF: sys.exit(str(message.error()))
        left -= 1
        continue
    headers = {name: text(value) for name, value in message.headers() or []}
    found.append([message.partition(), message.offset(), text(message.key()), text(message.value()), headers])
consumer.close()
print(json.dumps(found))
`;

/** A record as that consumer gives it: partition, offset, key, value, headers. */
export type ReadRecord = readonly [number, number, string | null, string | null, Readonly<Record<string, string>>];

/** Installs it, once on a machine; gives the directory that it is in. */
export async function prepareKafkaReader(): Promise<string> {
  return await buildOnce(join(serversDirectory(), 'kafka-reader-2'), async (building) => {
    process.stderr.write(`installing ${PACKAGES.join(', ')}\n`);
    await execute('python3', ['-m', 'venv', building]);
    const install = ['-m', 'pip', 'install', '--quiet', ...PACKAGES];
    await execute(join(building, 'bin/python'), install, { timeout: INSTALL_MS });
  });
}

/** Runs the consumer of docs/05-kafka.md, where a registry is given with what the page says of that: the rows of the latest state. */
export async function runDocumentedConsumer(
  brokers: readonly string[],
  topic: string,
  partitions: number,
  registry: string | null = null,
): Promise<unknown[]> {
  const page = await readFile(join(projectRoot, 'docs/05-kafka.md'), 'utf8');
  const [program, decoder] = Array.from(page.matchAll(/```python\n(.*?)```/gs), ([, code]) => code!);
  if (registry === null) return await run(program!, brokers, topic, partitions);
  const decoding = program!.replace('json.loads(message.value())', 'decode(message.value(), None)');
  return await run(decoder!.replace(/https:[^"]*/, registry) + decoding, brokers, topic, partitions);
}

export interface ReadThroughRegistry {
  readonly url: string;
  readonly format: 'avro' | 'json';
  /** Which the values are read as; by default each as it was written. */
  readonly subject?: string;
}

/** The same through a registry: the values are rows, with bigints and floats as texts. */
export async function readDecoded(
  brokers: readonly string[],
  topic: string,
  partitions: number,
  { url, format, subject = '' }: ReadThroughRegistry,
): Promise<DecodedRecord[]> {
  const program = await readFile(join(import.meta.dirname, 'registry-reader.py'), 'utf8');
  return await run(program, brokers, topic, partitions, url, format, subject);
}

/** Key, value and `pgveil.op`. */
export type DecodedRecord = readonly [string, Readonly<Record<string, unknown>> | null, string];

/** All that a `read_committed` consumer sees of a topic by now. */
export async function readTopic(brokers: readonly string[], topic: string, partitions: number): Promise<ReadRecord[]> {
  return await run(PROGRAM, brokers, topic, partitions);
}

async function run<T>(
  program: string,
  brokers: readonly string[],
  topic: string,
  partitions: number,
  ...more: readonly string[]
): Promise<T> {
  const python = join(await prepareKafkaReader(), 'bin/python');
  const parameters = ['-c', program, brokers.join(), topic, String(partitions), ...more];
  const { stdout } = await execute(python, parameters, { maxBuffer: 1 << 30 });
  return JSON.parse(stdout);
}
