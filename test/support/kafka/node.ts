// One node of the tests' Kafka: a Java process of ours, or a container of the official image. Its files are in a directory of this
// machine either way.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ServerProcess } from '../servers/server-process.ts';
import { KAFKA_VERSION, kafkaClassPath } from './jars.ts';
import { kafkaUsers } from './properties.ts';

const execute = promisify(execFile);

export const IMAGE = `apache/kafka:${KAFKA_VERSION}`;

/** Starts in two seconds, and needs no more than the tests give it. */
const JVM = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dlog4j2.level=WARN'];

/** A directory with `server.properties` in it, and the process that runs from there. */
export class KafkaNode {
  readonly #home: string;
  readonly #image: string | null;
  #process: ServerProcess | null = null;

  constructor(home: string, image: string | null) {
    this.#home = home;
    this.#image = image;
  }

  /** `cluster`: 16 bytes in base64url, of all nodes of a cluster and of no other. */
  async format(cluster: string): Promise<void> {
    const flags = ['format', '--cluster-id', cluster, '--config', this.#properties, ...kafkaUsers()];
    const [program, ...parameters] = await this.#command('kafka.tools.StorageTool', flags);
    await execute(program, parameters);
  }

  async start(): Promise<void> {
    const reap = { command: 'kill -CONT "$1"; kill -KILL "$1"; docker rm --force "$2"', parameters: [this.#name] };
    const name = `Kafka in ${this.#home}`;
    const command = await this.#command('kafka.Kafka', [this.#properties]);
    this.#process = new ServerProcess({ name, command, cwd: this.#home, log: join(this.#home, 'server.log'), reap });
  }

  /** All that it has on disk: segments, logs, settings. */
  get directory(): string {
    return this.#home;
  }

  get isRunning(): boolean {
    return this.#process?.isRunning === true;
  }

  /** It ended though nobody asked it to. */
  get isLost(): boolean {
    return this.#process !== null && this.#process.lost !== null;
  }

  /** SIGKILL is a power cut of this node alone, SIGSTOP holds it. */
  async signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const node = this.#process;
    if (!node?.isRunning) return;
    const toContainer = () => execute('docker', ['kill', '--signal', signal, this.#name]);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await node.end(signal, this.#image ? toContainer : undefined);
    else if (this.#image) await toContainer();
    else node.signal(signal);
  }

  async log(): Promise<string> {
    return await readFile(join(this.#home, 'server.log'), 'utf8');
  }

  get #properties(): string {
    return join(this.#home, 'server.properties');
  }

  get #name(): string {
    return `pgveil-kafka-${this.#home.replaceAll(/[^A-Za-z0-9]+/g, '-')}`;
  }

  async #command(main: string, parameters: readonly string[]): Promise<[string, ...string[]]> {
    if (!this.#image) return ['java', ...JVM, '-cp', await kafkaClassPath(), main, ...parameters];
    const mount = ['--volume', `${this.#home}:${this.#home}`, '--user', `${process.getuid?.()}:${process.getgid?.()}`];
    const flags = ['run', '--rm', '--name', this.#name, '--network', 'host', ...mount, '--entrypoint', 'java'];
    return ['docker', ...flags, this.#image, ...JVM, '-cp', '/opt/kafka/libs/*', main, ...parameters];
  }
}
