// One node of the tests' Kafka: a Java process of ours, or a container of the official image. Its files are in a directory of this
// machine either way.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KAFKA_VERSION, kafkaClassPath } from './kafka-jars.ts';
import { kafkaUsers } from './kafka-properties.ts';
import { type Reaper, reaper } from './reaper.ts';

const execute = promisify(execFile);

export const IMAGE = `apache/kafka:${KAFKA_VERSION}`;
const CLUSTER_ID = 'pgveilTestClusterAAAAA';

/** Starts in two seconds, and needs no more than the tests give it. */
const JVM = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dlog4j2.level=WARN'];

/** A directory with `server.properties` in it, and the process that runs from there. */
export class KafkaNode {
  readonly #home: string;
  readonly #image: string | null;
  #process: ChildProcess | null = null;
  #reaper: Reaper | null = null;

  constructor(home: string, image: string | null) {
    this.#home = home;
    this.#image = image;
  }

  async format(): Promise<void> {
    const flags = ['format', '--cluster-id', CLUSTER_ID, '--config', this.#properties, ...kafkaUsers()];
    const [program, ...parameters] = await this.#command('kafka.tools.StorageTool', flags);
    await execute(program!, parameters);
  }

  async start(): Promise<void> {
    const [program, ...parameters] = await this.#command('kafka.Kafka', [this.#properties]);
    const log = openSync(join(this.#home, 'server.log'), 'a');
    const child = spawn(program!, parameters, { cwd: this.#home, stdio: ['ignore', log, log] });
    closeSync(log);
    child.unref(); // a forgotten broker must not keep the test file alive; the reaper ends it
    this.#process = child;
    this.#reaper = reaper('kill -CONT "$1"; kill -KILL "$1"; docker rm --force "$2"', String(child.pid), this.#name);
    child.once('exit', () => {
      this.#process = null;
    });
  }

  /** All that it has on disk: segments, logs, settings. */
  get directory(): string {
    return this.#home;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  /** SIGKILL is a power cut of this node alone, SIGSTOP holds it. */
  async signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const child = this.#process;
    if (!child) return;
    const ends = signal === 'SIGKILL' || signal === 'SIGTERM';
    const ended = ends ? once(child, 'exit') : null;
    if (ends) child.ref();
    if (this.#image) await execute('docker', ['kill', '--signal', signal, this.#name]);
    else child.kill(signal);
    await ended;
    if (ends) this.#reaper?.release();
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

  async #command(main: string, parameters: readonly string[]): Promise<string[]> {
    if (!this.#image) return ['java', ...JVM, '-cp', await kafkaClassPath(), main, ...parameters];
    const mount = ['--volume', `${this.#home}:${this.#home}`, '--user', `${process.getuid?.()}:${process.getgid?.()}`];
    const flags = ['run', '--rm', '--name', this.#name, '--network', 'host', ...mount, '--entrypoint', 'java'];
    return ['docker', ...flags, this.#image, ...JVM, '-cp', '/opt/kafka/libs/*', main, ...parameters];
  }
}
