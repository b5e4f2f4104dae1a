import type { KafkaConnection, RegistryConfig } from '../../config/config.ts';
import { Secret } from '../core/secret.ts';

/**
 * The URL of a database whose user and password are read anew whenever somebody connects: a service outlives a change of
 * password. A URL of another server or database is not followed before the next start.
 */
export class RenewedUrl extends Secret {
  readonly #reload: () => Secret;

  constructor(first: Secret, reload: () => Secret) {
    super(first.reveal());
    this.#reload = reload;
  }

  override reveal(): string {
    const first = super.reveal();
    try {
      const now = this.#reload().reveal();
      return withoutUser(now) === withoutUser(first) ? now : first;
    } catch {
      // A configuration that cannot be read right now: the connection will say what is wrong, if anything is.
      return first;
    }
  }
}

function withoutUser(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/?#]*@/, '$1');
}

/** The same of a broker's: password, token, or a client's secret. A login of another kind is not followed before the next start. */
export function renewedLogin(connection: KafkaConnection, reload: () => KafkaConnection): KafkaConnection {
  const { sasl } = connection;
  if (!sasl) return connection;
  const renewed = (read: (now: KafkaConnection['sasl']) => Secret | undefined) =>
    new RenewedSecret(read(sasl)!, () => read(reload().sasl));
  if (sasl.mechanism !== 'OAUTHBEARER') {
    const password = renewed((now) => (now && 'password' in now ? now.password : undefined));
    return { ...connection, sasl: { ...sasl, password } };
  }
  const { token } = sasl;
  const tokenOf = (now: KafkaConnection['sasl']) => (now && 'token' in now ? now.token : undefined);
  if (token instanceof Secret) {
    const now = renewed((now) => [tokenOf(now)].find((one) => one instanceof Secret));
    return { ...connection, sasl: { ...sasl, token: now } };
  }
  const clientSecret = renewed((now) => {
    const endpoint = tokenOf(now);
    return endpoint instanceof Secret ? undefined : endpoint?.clientSecret;
  });
  return { ...connection, sasl: { ...sasl, token: { ...token, clientSecret } } };
}

/** The same of a schema registry's password. */
export function renewedRegistry(
  registry: RegistryConfig | null,
  reload: () => RegistryConfig | null,
): RegistryConfig | null {
  if (!registry?.credentials) return registry;
  const { username, password: first } = registry.credentials;
  const password = new RenewedSecret(first, () => reload()?.credentials?.password);
  return { ...registry, credentials: { username, password } };
}

/** Read anew whenever it is asked for; what it was first, where there is none any more. */
class RenewedSecret extends Secret {
  readonly #reload: () => Secret | undefined;

  constructor(first: Secret, reload: () => Secret | undefined) {
    super(first.reveal());
    this.#reload = reload;
  }

  override reveal(): string {
    try {
      return this.#reload()?.reveal() ?? super.reveal();
    } catch {
      return super.reveal(); // the configuration cannot be read right now
    }
  }
}
