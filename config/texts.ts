import { z } from 'zod';
import { Secret } from '../src/core/secret.ts';
import { canonicalTableName, isIdentifier } from '../src/core/table-name.ts';
import {
  isEndpoint,
  isPostgresUrl,
  isTokenUrl,
  parseBrokers,
  parseLakeUrl,
  parseListenAddress,
  parseRegistryUrl,
} from './address.ts';
import { parsed, problem, text } from './field.ts';
import { parseKey } from './key.ts';
import { parseDuration, parseSize } from './units.ts';

// What single values may be. What a message of a field consists of: see field.ts.

export const anyText = z
  .preprocess(
    (value) => (typeof value === 'number' ? String(value) : value),
    z.string({ error: problem('is not a text', "write a text, in quotes; for NULL use the decision 'null'") }),
  )
  .meta({ type: ['string', 'number'] });
export const someText = text(problem('is not a text', 'write a text of one character or more'), (t) => t !== '');
export const identifier = text(
  problem('is not a name Postgres can hold', 'write a text of 1 to 63 bytes'),
  isIdentifier,
).meta({ title: 'name of up to 63 bytes' });
export const oneCharacter = text(
  problem('is not one character', "write one, in quotes, such as '#'"),
  (t) => [...t].length === 1,
).meta({ title: 'one character' });
export const className = text(problem('is not a class', 'write a name such as customer'), (t) =>
  /^\w[\w .-]{0,62}$/.test(t),
).meta({ title: 'name' });
export const localeName = text(problem('is not a locale', 'write one such as en, de or pt_BR'), (t) =>
  /^[a-z]{2,3}(_\w+)*$/.test(t),
).meta({ title: 'locale' });
export const pipelineName = text(
  problem('cannot name a pipeline', 'write 1 to 40 lower-case letters, digits and underscores, the first a letter'),
  (t) => /^[a-z][a-z0-9_]{0,39}$/.test(t),
).meta({ title: 'name of up to 40 lower-case letters, digits and _' });
export const slotName = text(
  problem('cannot name a replication slot', 'write 1 to 63 lower-case letters, digits and underscores'),
  (t) => /^[a-z0-9_]{1,63}$/.test(t),
).meta({ title: 'name of a slot' });
export const tableName = text(
  problem(
    'is not the name of a table',
    'write schema.table, each part in double quotes unless it is a plain lower-case word: public."Order Items"',
  ),
  (t) => canonicalTableName(t) !== null,
);
export const postgresUrl = parsed(
  problem(
    'is not the URL of a Postgres',
    'write postgres://user:password@host:5432/database, percent-encode the password',
  ),
  (t) => (isPostgresUrl(t) ? new Secret(t) : undefined),
).meta({ title: 'postgres:// URL' });
export const lakeUrl = parsed(
  problem('is not the URL of a lake', 'write s3://bucket/prefix or, of a folder, file:///path'),
  parseLakeUrl,
).meta({ title: 's3:// or file:/// URL' });
/** One text may hold several, as an environment variable does. */
export const brokers = parsed(
  problem('is not the address of a broker', 'write host:port, and a comma between several'),
  parseBrokers,
).meta({ title: 'host:port' });
/** Of two tables it has to make two names: whatever they are called, they have no `.` in them by then. */
export const topicTemplate = text(
  problem(
    'cannot name the topics of all tables',
    'write {schema} and {table} with a dot between; also letters, digits, and {name}',
  ),
  (t) =>
    /^(?:[A-Za-z0-9._-]|\{name\}|\{schema\}|\{table\})+$/.test(t) &&
    /\{schema\}.*\..*\{table\}|\{table\}.*\..*\{schema\}/.test(t),
);
export const secretText = parsed(problem('is not a text', 'write a text of one character or more'), (t) =>
  t === '' ? undefined : new Secret(t),
);
export const tokenUrl = text(
  problem('is not the URL of a token endpoint', 'write https://host/path, without user and password'),
  isTokenUrl,
).meta({ title: 'https:// URL' });
export const registryUrl = parsed(
  problem('is not the URL of a registry', 'write https://host:port, user and password under keys of their own'),
  parseRegistryUrl,
).meta({ title: 'https:// URL' });
/** Empty where an environment variable is: then it is AWS. */
export const endpoint = parsed(
  problem('is not the address of a store', 'write http://host:port or https://host, without user, password and path'),
  (t) => (t === '' ? null : isEndpoint(t) ? t : undefined),
).meta({ title: 'http:// URL' });
export const key = parsed(
  problem('is not 32 random bytes or more in base64 or hex', 'make one: openssl rand -base64 32'),
  (t) => {
    const bytes = parseKey(t);
    return bytes && new Secret(bytes);
  },
).meta({ title: 'base64 or hex' });
const atLeast = (least: number, parse: (text: string) => number | undefined) => (t: string) => {
  const quantity = parse(t);
  return quantity !== undefined && quantity >= least ? quantity : undefined;
};
export const memory = parsed(
  problem('is not a size of 1MB or more', 'write a size such as 256MB or 1GB'),
  atLeast(1024 ** 2, parseSize),
).meta({ title: 'size of 1MB or more' });
export const retry = parsed(
  problem('is not a duration of a second or more', 'write a duration such as 30s or 5 minutes'),
  atLeast(1000, parseDuration),
).meta({ title: 'duration of 1s or more' });
export const flushSize = parsed(
  problem('is not a size of a byte or more', 'write a size such as 64MB or 1GB'),
  atLeast(1, parseSize),
).meta({ title: 'size of 1B or more' });
export const patience = parsed(
  problem('is not a duration of up to a day', 'write a duration such as 30s or 5 minutes'),
  (t) => {
    const ms = parseDuration(t);
    return ms !== undefined && ms <= 86_400_000 ? ms : undefined;
  },
).meta({ title: 'duration of up to a day' });
export const flushTime = parsed(
  problem('is not a duration from 100ms to a day', 'write a duration such as 30s or 5 minutes'),
  (t) => {
    const ms = parseDuration(t) ?? 0;
    return ms >= 100 && ms <= 86_400_000 ? ms : undefined;
  },
).meta({ title: 'duration from 100ms to a day' });
export const alarmSize = parsed(
  problem('is not a size of 1MB or more', 'write a size such as 500MB or 10GB'),
  atLeast(1024 ** 2, parseSize),
).meta({ title: 'size of 1MB or more' });
export const alarmTime = parsed(
  problem('is not a duration of a second or more', 'write a duration such as 30min or 2 hours'),
  atLeast(1000, parseDuration),
).meta({ title: 'duration of 1s or more' });
export const tableSize = parsed(problem('is not a size', 'write a size such as 500MB or 100GB'), parseSize).meta({
  title: 'size',
});
export const listen = parsed(
  problem('is not an address to listen on', 'write host:port, such as 127.0.0.1:8787'),
  parseListenAddress,
).meta({ title: 'host:port' });
