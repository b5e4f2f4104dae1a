import {
  type SASLCustomAuthenticator,
  type SASLOptions,
  saslOAuthBearer,
  saslPlain,
  saslScramSha,
} from '@platformatic/kafka';
import type { KafkaConnection } from '../../../config/config.ts';
import { Secret } from '../../../src/core/secret.ts';
import { refuseBrokersAnswer, TokenSource } from './token.ts';

/** Secrets are asked for at each connection: they may be others by then. `began` is told how long a session may last; 0: for ever. */
export function saslOptions(sasl: NonNullable<KafkaConnection['sasl']>, began: (ms: number) => void): SASLOptions {
  const { mechanism } = sasl;
  const authenticate = once(began);
  if (mechanism !== 'OAUTHBEARER') {
    return { mechanism, username: sasl.username, password: () => sasl.password.reveal(), authenticate };
  }
  const { token } = sasl;
  const source = token instanceof Secret ? null : new TokenSource(token);
  const ask = () => (source ? source.token() : (token as Secret).reveal());
  return { mechanism, token: ask, authenticate, authBytesValidator: refuseBrokersAnswer };
}

/**
 * The client's own, but for what it does before a session ends: it authenticates anew on the same connection, and a request between the
 * two steps of that is refused. It hears of no end; connections.ts makes new connections instead.
 */
function once(began: (ms: number) => void): SASLCustomAuthenticator {
  return (mechanism, connection, api, username, password, token, callback) => {
    const done: typeof callback = (error, answer) => {
      if (answer) began(Number(answer.sessionLifetimeMs));
      callback(error, answer && { ...answer, sessionLifetimeMs: 0n });
    };
    if (mechanism === 'OAUTHBEARER') saslOAuthBearer.authenticate(api, connection, token!, {}, done);
    else if (mechanism === 'PLAIN') saslPlain.authenticate(api, connection, username!, password!, done);
    else {
      const algorithm = mechanism.slice('SCRAM-'.length) as saslScramSha.ScramAlgorithm;
      saslScramSha.authenticate(api, connection, algorithm, username!, password!, saslScramSha.defaultCrypto, done);
    }
  };
}
