import type { z } from 'zod';
import { jsonSchema } from '../../config/json-schema.ts';

type Part = z.core.JSONSchema.BaseSchema;

/** One key of the configuration file. */
export interface Setting {
  /** `source.wal_alarm.retained`; X stands for a name of the user's. */
  readonly path: string;
  /** What may stand there. */
  readonly values: readonly string[];
  readonly isRequired: boolean;
  readonly default: unknown;
  /** Empty for a section, which has keys of its own. */
  readonly purpose: string;
}

/** Every key, in the order of the file. Those of a sink are under its type: `sinks.lake.url`. */
export function settings(): Setting[] {
  return walk(JSON.parse(jsonSchema()), '');
}

/** The options of a rule, as it is written in full. */
export function options(rule: string): Setting[] {
  const rules = ['tables', 'X', 'columns', 'X', rule].reduce(descend, JSON.parse(jsonSchema()) as Part);
  return walk(rules, '');
}

function walk(part: Part, path: string): Setting[] {
  const sections = alternatives(part).filter(({ properties }) => properties !== undefined);
  const found = sections.flatMap(({ properties }) => {
    return Object.entries(properties!).flatMap(([name, value]) => {
      const isRequired = sections.every(({ required }) => required?.includes(name));
      return describe(value as Part, path === '' ? name : `${path}.${name}`, isRequired);
    });
  });
  return merge(found);
}

function describe(part: Part, path: string, isRequired: boolean): Setting[] {
  const { default: byDefault, description: purpose = '' } = part;
  const own: Setting = { path, values: valuesOf(part), isRequired, default: byDefault, purpose };
  const named = part.additionalProperties;
  // What a mapping with a description of its own holds is plain text, or a decision.
  if (typeof named === 'object' && named !== null && !purpose) {
    return alternatives(named).flatMap((one) => walk(one, `${path}.${typeOfSink(one) ?? 'X'}`));
  }
  const inside = walk(part, path);
  return purpose || inside.length === 0 ? [own, ...inside] : inside;
}

/** One row for a key that several forms of a section have, such as `mechanism`. */
function merge(found: readonly Setting[]): Setting[] {
  const byPath = new Map<string, Setting>();
  for (const setting of found) {
    const before = byPath.get(setting.path);
    const values = [...new Set([...(before?.values ?? []), ...setting.values])];
    byPath.set(setting.path, { ...setting, values });
  }
  return [...byPath.values()];
}

function alternatives(part: Part): Part[] {
  return ((part.anyOf ?? part.oneOf) as Part[] | undefined)?.flatMap(alternatives) ?? [part];
}

function descend(part: Part, key: string): Part {
  const found = alternatives(part).map((one) => one.properties?.[key] ?? one.additionalProperties);
  return found.find((one) => typeof one === 'object') as Part;
}

function typeOfSink(part: Part): string | undefined {
  const type = part.properties?.type as Part | undefined;
  return type?.const as string | undefined;
}

function valuesOf(part: Part): string[] {
  return [...new Set(alternatives(part).flatMap(wordsOf))];
}

function wordsOf(part: Part): string[] {
  // Any key may hold a reference instead, which the page says once.
  if (part.pattern !== undefined && part.type === 'string') return [];
  if (part.const !== undefined) return [code(part.const)];
  if (part.enum) return part.enum.map(code);
  if (part.type === 'array') return [`list: ${valuesOf(part.items as Part).join(', ')}`];
  if (part.type === 'object') return ['mapping'];
  const types = [part.type].flat();
  if (types.includes('integer')) return [`${part.minimum} to ${part.maximum}`];
  if (types.includes('boolean')) return [code(true), code(false)];
  return [part.title ?? 'text'];
}

/** As it is written in the file. */
export function code(value: unknown): string {
  return `\`${typeof value === 'object' ? JSON.stringify(value) : value}\``;
}
