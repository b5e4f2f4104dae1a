// A token endpoint for tests (RFC 6749, 4.4), and tokens without a signature, as brokers take them that are set up for tests.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const CLIENT = { clientId: 'pgveil', clientSecret: 'a:secret/of tests' } as const;

/** What brokers need besides to take tokens: whoever bears one is who it says. */
export const BEARER_SETTINGS: Readonly<Record<string, string>> = {
  'sasl.enabled.mechanisms': 'OAUTHBEARER',
  'listener.name.sasl_ssl.oauthbearer.sasl.jaas.config':
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
};

/** Good for so long from now on; may be negative. */
export function unsignedToken(seconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: CLIENT.clientId, iat: now - 60, exp: now + seconds };
  const parts = [{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return `${parts.join('.')}.`;
}

export class TokenServer implements AsyncDisposable {
  /** How many tokens it gave. */
  given = 0;
  /** Of each that it was asked for. */
  readonly scopes: (string | null)[] = [];
  #url = '';
  readonly #server: Server;
  readonly #seconds: number;

  /** Its tokens are good for so long. */
  static async start(seconds: number): Promise<TokenServer> {
    const tokens = new TokenServer(seconds);
    tokens.#server.listen(0, '127.0.0.1');
    await once(tokens.#server, 'listening');
    tokens.#url = `http://127.0.0.1:${(tokens.#server.address() as AddressInfo).port}/token`;
    return tokens;
  }

  private constructor(seconds: number) {
    this.#seconds = seconds;
    this.#server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const user = [CLIENT.clientId, CLIENT.clientSecret].map(encodeURIComponent).join(':');
      const isKnown = request.headers.authorization === `Basic ${Buffer.from(user).toString('base64')}`;
      const asked = new URLSearchParams(body);
      response.setHeader('content-type', 'application/json');
      if (!isKnown || asked.get('grant_type') !== 'client_credentials') {
        response.writeHead(401).end('{"error":"invalid_client"}');
        return;
      }
      this.given++;
      this.scopes.push(asked.get('scope'));
      const token = { access_token: unsignedToken(this.#seconds), token_type: 'Bearer', expires_in: this.#seconds };
      response.end(JSON.stringify(token));
    });
  }

  get url(): string {
    return this.#url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
