import type { RegistryConfig } from '../../../config/config.ts';
import { PgveilError } from '../../../src/core/errors.ts';
import { codeOf } from '../client/trouble.ts';

/** For an answer as a whole. */
const ANSWER_MS = 5_000;

const TRUST =
  'Name the registry as its certificate does; a certificate of an authority of your own goes into a file that NODE_EXTRA_CA_CERTS names.';

const LOGIN = 'Correct `registry.username` and `registry.password`.';

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';

/** A schema as registries take it. */
export interface SchemaText {
  readonly schemaType: 'AVRO' | 'JSON';
  readonly schema: string;
}

/**
 * The requests that we need of a Schema Registry's. All of them reject with `registry_away`, `registry_failed`, `registry_rights`,
 * `credentials_refused` or `tls_failed`: whoever has the sink waits, and opens it again. See https://docs.confluent.io/platform/current/schema-registry/develop/api.html.
 */
export class RegistryClient {
  readonly #registry: RegistryConfig;

  constructor(registry: RegistryConfig) {
    this.#registry = registry;
  }

  /** Kinds of schemas that it takes. */
  async types(signal: AbortSignal): Promise<readonly string[]> {
    const { status, body } = await this.#ask('/schemas/types', { signal });
    if (status !== 200 || !Array.isArray(body)) throw failed(status, body);
    return body;
  }

  /** The last version of a subject; null where there is none, or one that is no JSON Schema. */
  async latestJson(subject: string, signal: AbortSignal): Promise<string | null> {
    const { status, body } = await this.#ask(`/subjects/${encodeURIComponent(subject)}/versions/latest`, { signal });
    if (status === 404) return null;
    if (status !== 200 || typeof body?.schema !== 'string') throw failed(status, body);
    return body.schemaType === 'JSON' ? body.schema : null;
  }

  /** Whether the schema could be registered; nothing changes. */
  async isCompatible(subject: string, text: SchemaText, signal: AbortSignal): Promise<boolean> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest`;
    const { status, body } = await this.#ask(path, { signal, method: 'POST', body: JSON.stringify(text) });
    if (status === 404) return true; // with no version before it
    if (status !== 200 || typeof body?.is_compatible !== 'boolean') throw failed(status, body);
    return body.is_compatible;
  }

  /** The id of a schema, which is a version of the subject from then on, if it was none before. Throws `schema_refused`, too. */
  async register(subject: string, text: SchemaText, signal: AbortSignal): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const { status, body } = await this.#ask(path, { signal, method: 'POST', body: JSON.stringify(text) });
    if (status === 409) throw new PgveilError('schema_refused', incompatible(subject));
    if (status === 422)
      throw new PgveilError('schema_refused', `no schema for ${subject} was taken: ${answer(status, body)}`);
    if (status !== 200 || !Number.isInteger(body?.id)) throw failed(status, body);
    return body.id;
  }

  async #ask(path: string, { signal, ...request }: RequestInit & { signal: AbortSignal }): Promise<Answer> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#registry.url + path, {
        ...request,
        headers: { Accept: MEDIA_TYPE, 'Content-Type': MEDIA_TYPE, ...this.#login },
        redirect: 'manual', // a POST would become a GET
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      text = await response.text();
    } catch (error) {
      if (codeOf(error) === 'TLS')
        throw new PgveilError('tls_failed', 'no TLS with the schema registry', { fix: TRUST });
      throw new PgveilError('registry_away', 'no answer');
    }
    const { status } = response;
    if (status === 401) throw new PgveilError('credentials_refused', 'by the schema registry', { fix: LOGIN });
    if (status === 403) throw new PgveilError('registry_rights', answer(status, parsed(text)));
    const answered = { status, body: parsed(text) };
    if (status === 429 || status >= 500) throw new PgveilError('registry_away', answer(status, answered.body));
    return answered;
  }

  /** Anew for each request: a service outlives a change of password. */
  get #login(): Readonly<Record<string, string>> {
    const { credentials } = this.#registry;
    if (!credentials) return {};
    const basic = Buffer.from(`${credentials.username}:${credentials.password.reveal()}`).toString('base64');
    return { Authorization: `Basic ${basic}` };
  }
}

export function incompatible(subject: string): string {
  return `the schema is incompatible with that of ${subject}`;
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each method looks at what it needs of it
  readonly body: any;
}

/** Undefined where it is no JSON: then it is not the registry that answers. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failed(status: number, body: Answer['body']): PgveilError {
  return new PgveilError('registry_failed', answer(status, body));
}

/** Codes and no words: those are the registry's own, and may quote what it was sent. */
function answer(status: number, body: Answer['body']): string {
  const code = body?.error_code;
  return Number.isInteger(code) && code !== status ? `HTTP ${status}, error_code ${code}` : `HTTP ${status}`;
}
