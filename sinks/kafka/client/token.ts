import type { TokenEndpoint } from '../../../config/config.ts';

/** Of the time that a token is good for: from then on whoever asks gets another one. */
const SHARE = 0.8;
const ANSWER_MS = 10_000;

/** As an error of the protocol has it, so that trouble.ts finds it below those that the client wraps around. */
class TokenError extends Error {
  readonly apiId: 'TOKEN_REFUSED' | 'TOKEN_AWAY' | 'SASL_AUTHENTICATION_FAILED';

  constructor(apiId: TokenError['apiId']) {
    super(apiId);
    this.apiId = apiId;
  }
}

interface Token {
  readonly text: string;
  /** Of `performance.now()`. */
  readonly until: number;
}

/** Gets tokens for the credentials of a client (RFC 6749, 4.4), and another one before each is over. */
export class TokenSource {
  readonly #endpoint: TokenEndpoint;
  #token: Token | null = null;
  #asking: Promise<Token> | null = null;

  constructor(endpoint: TokenEndpoint) {
    this.#endpoint = endpoint;
  }

  /** One that is good for some time. Whoever asks at the same time gets the same one. */
  async token(): Promise<string> {
    if (this.#token && performance.now() < this.#token.until) return this.#token.text;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    this.#token = await this.#asking;
    return this.#token.text;
  }

  async #ask(): Promise<Token> {
    const { url, clientId, clientSecret, scope } = this.#endpoint;
    const asked = performance.now();
    const user = [clientId, clientSecret.reveal()].map(encodeURIComponent).join(':');
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(user).toString('base64')}`, accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== null && { scope }) }),
      redirect: 'error', // the secret is for this place alone
      signal: AbortSignal.timeout(ANSWER_MS),
    }).catch(() => null);
    if (!answer) throw new TokenError('TOKEN_AWAY');
    const said = (await answer.json().catch(() => null)) as { access_token?: unknown; expires_in?: unknown } | null;
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) throw new TokenError('TOKEN_REFUSED');
    const { access_token: text, expires_in: seconds = 0 } = said ?? {};
    if (!answer.ok || typeof text !== 'string') throw new TokenError('TOKEN_AWAY');
    return { text, until: asked + Number(seconds) * 1000 * SHARE };
  }
}

/** A broker says no to a token with an answer that is no error: RFC 7628, 3.2.3. */
export function refuseBrokersAnswer(answer: Buffer, callback: (error: Error | null, answer: Buffer) => void): void {
  callback(answer.length > 0 ? new TokenError('SASL_AUTHENTICATION_FAILED') : null, answer);
}
