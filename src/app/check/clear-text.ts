import type { Config } from '../../../config/config.ts';
import { ERRORS, type Finding } from '../../core/errors.ts';
import { isInClear } from '../../postgres/clear-text.ts';

/** Databases whose rows cross a network in clear text, and nobody said that they may. */
export function findInClear({ source, sinks }: Config): Finding[] {
  const twins = [...sinks.values()].filter((sink) => sink.type === 'postgres');
  const urls = [
    { object: 'source.url', url: source.url, rows: 'source: raw rows' },
    ...twins.map(({ name, url }) => ({ object: `sinks.${name}.url`, url, rows: `sink ${name}: redacted rows` })),
  ];
  return urls
    .filter(({ url }) => isInClear(url))
    .map(({ object, rows }) => {
      const message = `${rows} cross the network in clear text: the URL says nothing about TLS`;
      return { code: 'no_tls', object, message, fix: ERRORS.no_tls.fix };
    });
}
