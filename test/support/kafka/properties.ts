// How a node of the tests' Kafka is set up, wherever it runs.

/** The name and the password that brokers with SASL know. */
export const KAFKA_USER = { username: 'pgveil', password: 'pgveil-test-password' } as const;

/** A node's ports on 127.0.0.1: without any security, for controllers, and with TLS and SASL. */
export interface KafkaPorts {
  readonly plain: number;
  readonly controller: number;
  readonly secure: number;
}

export interface KafkaNodeSketch {
  readonly id: number;
  /** Of all nodes, this one included; each is broker and controller. */
  readonly nodes: readonly KafkaPorts[];
  /** Where its data goes, as the node sees it. */
  readonly data: string;
  /** A PEM file with key and certificate, as the node sees it: with it the secure port listens. */
  readonly keyStore: string | null;
  /** What clients are told of the secure port, if not the port itself. */
  readonly advertised?: number | undefined;
  readonly settings: Readonly<Record<string, string>>;
}

/** `server.properties`: small, quick, and as durable as one disk is. */
export function kafkaProperties({ id, nodes, data, keyStore, settings, advertised }: KafkaNodeSketch): string {
  const own = nodes[id - 1]!;
  const replicas = String(nodes.length);
  const secure = (port: number) => (keyStore ? `,SASL_SSL://127.0.0.1:${port}` : '');
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': nodes.map(({ controller }, i) => `${i + 1}@127.0.0.1:${controller}`).join(),
    listeners: `PLAINTEXT://127.0.0.1:${own.plain},CONTROLLER://127.0.0.1:${own.controller}${secure(own.secure)}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${own.plain}${secure(advertised ?? own.secure)}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': data,
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': '1',
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': '3',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'num.network.threads': '2',
    'num.io.threads': '2',
    'log.cleaner.dedupe.buffer.size': '4194304',
    // A node that ended without a word is not waited for longer than this.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    ...(keyStore && securityProperties(keyStore)),
    ...settings,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function securityProperties(keyStore: string): Record<string, string> {
  const { username, password } = KAFKA_USER;
  const module = 'org.apache.kafka.common.security';
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `${module}.plain.PlainLoginModule required user_${username}="${password}";`,
    'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': `${module}.scram.ScramLoginModule required;`,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${module}.scram.ScramLoginModule required;`,
  };
}

/** What the storage tool has to be told besides when it formats a node's directory. */
export function kafkaUsers(): string[] {
  const { username, password } = KAFKA_USER;
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ]);
}
