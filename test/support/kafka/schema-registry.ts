// A Schema Registry in the test's own process: what the sink asks of one, and what readers do.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as bodyOf } from 'node:stream/consumers';
import { canReadAvro, canReadJson } from './schema-compatibility.ts';

interface Registered {
  readonly schema: string;
  /** Absent of Avro's. */
  readonly schemaType?: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

/** It begins with BACKWARD, as registries do. */
export class SchemaRegistry implements AsyncDisposable {
  readonly #server: Server;
  readonly #login: RegistryLogin | null;
  /** The id of one is its place, from 1. */
  readonly #schemas: Registered[] = [];
  /** Of each subject the ids of its versions. */
  readonly #subjects = new Map<string, number[]>();
  /** Method and path of all requests. */
  readonly requests: string[] = [];
  /** What everything is answered with, if not what was asked for. */
  broken: number | null = null;
  /** Of all subjects. */
  compatibility: 'BACKWARD' | 'NONE' = 'BACKWARD';

  private constructor(login: RegistryLogin | null) {
    this.#login = login;
    this.#server = createServer(async (request, response) => {
      const { status, body } = this.#answer(request, await bodyOf(request));
      response.writeHead(status, { 'Content-Type': 'application/vnd.schemaregistry.v1+json' });
      response.end(JSON.stringify(body));
    });
  }

  static async start(login: RegistryLogin | null = null): Promise<SchemaRegistry> {
    const registry = new SchemaRegistry(login);
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Of a subject, from the first. */
  versions(subject: string): unknown[] {
    return (this.#subjects.get(subject) ?? []).map((id) => JSON.parse(this.#schemas[id - 1]!.schema));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #answer({ method, url = '', headers }: IncomingMessage, body: string): Answer {
    this.requests.push(`${method} ${url}`);
    if (this.broken !== null) return refused(this.broken);
    if (this.#login && headers.authorization !== basic(this.#login)) return refused(401);
    const [path = ''] = url.split('?');
    const [, of, name = '', , last] = path.split('/').map(decodeURIComponent);
    if (path === '/schemas/types') return { status: 200, body: ['JSON', 'AVRO'] };
    if (path.startsWith('/schemas/ids/')) return this.#schema(Number(path.split('/')[3]));
    if (of === 'compatibility') return this.#compatible(path.split('/').map(decodeURIComponent)[3]!, JSON.parse(body));
    if (of === 'subjects' && last === 'latest') return this.#latest(name);
    if (of === 'subjects' && method === 'POST') return this.#register(name, JSON.parse(body));
    return refused(404);
  }

  #schema(id: number): Answer {
    const found = this.#schemas[id - 1];
    return found ? { status: 200, body: found } : refused(40403);
  }

  #latest(subject: string): Answer {
    const ids = this.#subjects.get(subject);
    if (!ids) return refused(40401);
    const id = ids.at(-1)!;
    return { status: 200, body: { subject, id, version: ids.length, ...this.#schemas[id - 1] } };
  }

  #compatible(subject: string, { schema, schemaType = 'AVRO' }: Registered): Answer {
    const latest = this.#subjects.get(subject)?.at(-1);
    if (latest === undefined) return refused(40401);
    return {
      status: 200,
      body: { is_compatible: this.#mayFollow({ schema, schemaType }, this.#schemas[latest - 1]!) },
    };
  }

  #mayFollow(next: Registered, latest: Registered): boolean {
    return this.compatibility === 'NONE' || isBackward(next, latest);
  }

  /** A schema has one id, whichever subjects it is of. */
  #register(subject: string, { schema, schemaType = 'AVRO' }: Registered): Answer {
    const ids = this.#subjects.get(subject) ?? [];
    const known =
      this.#schemas.findIndex((one) => one.schema === schema && (one.schemaType ?? 'AVRO') === schemaType) + 1;
    if (ids.includes(known)) return { status: 200, body: { id: known } };
    const latest = ids.length > 0 ? this.#schemas[ids.at(-1)! - 1]! : null;
    if (latest && !this.#mayFollow({ schema, schemaType }, latest)) return refused(409);
    const id = known || this.#schemas.push({ schema, ...(schemaType !== 'AVRO' && { schemaType }) });
    this.#subjects.set(subject, [...ids, id]);
    return { status: 200, body: { id } };
  }
}

function isBackward(next: Registered, { schema, schemaType = 'AVRO' }: Registered): boolean {
  if (next.schemaType !== schemaType) return false;
  const canRead = schemaType === 'AVRO' ? canReadAvro : canReadJson;
  return canRead(JSON.parse(next.schema), JSON.parse(schema));
}

function refused(code: number): Answer {
  const status = code > 999 ? Math.floor(code / 100) : code;
  return { status, body: { error_code: code, message: 'refused' } };
}

function basic({ username, password }: RegistryLogin): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
