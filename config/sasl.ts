import { z } from 'zod';
import { fields, problem } from './field.ts';
import { secretText, someText, tokenUrl } from './texts.ts';

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;

const password = fields({
  mechanism: z.literal(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).describe('as the brokers have it'),
  username: someText.describe('of PLAIN and SCRAM'),
  password: secretText.describe('of PLAIN and SCRAM'),
});

const bearer = fields({
  mechanism: z.literal('OAUTHBEARER').describe('as the brokers have it'),
  token: secretText.optional().describe('one that something else keeps fresh: read again for each connection'),
  token_url: tokenUrl.optional().describe('where a client gets a token for its credentials'),
  client_id: someText.optional().describe('beside token_url'),
  client_secret: secretText.optional().describe('beside token_url'),
  scope: someText.optional().describe('beside token_url, where the endpoint wants one'),
}).superRefine(({ token, token_url, client_id, client_secret, scope }, context) => {
  const missing = (key: string, message: string) =>
    context.addIssue({ code: 'custom', path: [key], message: problem('is missing', message) });
  const spare = (key: string) =>
    context.addIssue({ code: 'custom', path: [key], message: problem('is for token_url only', 'take it out') });
  if (token_url === undefined && token === undefined) missing('token_url', 'write it, or token');
  if (token_url !== undefined && token !== undefined)
    context.addIssue({ code: 'custom', path: ['token'], message: problem('stands beside token_url', 'take one out') });
  for (const [key, value] of Object.entries({ client_id, client_secret })) {
    if (token_url !== undefined && value === undefined) missing(key, 'write it beside token_url');
  }
  for (const [key, value] of Object.entries({ client_id, client_secret, scope })) {
    if (token_url === undefined && value !== undefined) spare(key);
  }
});

/** How brokers learn who we are. */
export const sasl = z.discriminatedUnion('mechanism', [password, bearer], {
  error: problem('is not a mechanism that pgveil knows', `write mechanism: ${MECHANISMS.join(', ')}`),
});
