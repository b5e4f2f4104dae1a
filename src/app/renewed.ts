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
