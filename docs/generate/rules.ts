import { parse } from 'yaml';
import { decision, type Rule } from '../../config/rules.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Column } from '../../src/core/table.ts';
import { deriveKeys } from '../../transforms/keys.ts';
import { transformOf } from '../../transforms/registry.ts';
import { compileRule } from '../../transforms/rule.ts';

/** Columns of a source: of each kind that rules tell apart. */
const COLUMNS: readonly Column[] = [
  column('text', { oid: 25, category: 'S' }),
  column('varchar', { oid: 1043, category: 'S' }),
  column('varchar(20)', { oid: 1043, category: 'S', modifier: 24 }),
  column('char(40)', { oid: 1042, category: 'S', modifier: 44, padded: true }),
  column('citext', { category: 'S', builtIn: false }),
  column('an enum', { category: 'E', kind: 'e', builtIn: false }),
  column('a domain over text', { category: 'S', kind: 'd', builtIn: false }),
  column('smallint', { oid: 21, category: 'N' }),
  column('integer', { oid: 23, category: 'N' }),
  column('bigint', { oid: 20, category: 'N' }),
  column('numeric', { oid: 1700, category: 'N' }),
  column('numeric(10,2)', { oid: 1700, category: 'N', modifier: ((10 << 16) | 2) + 4 }),
  column('real', { oid: 700, category: 'N' }),
  column('double precision', { oid: 701, category: 'N' }),
  column('boolean', { oid: 16, category: 'B' }),
  column('date', { oid: 1082, category: 'D' }),
  column('timestamp', { oid: 1114, category: 'D' }),
  column('timestamptz', { oid: 1184, category: 'D' }),
  column('uuid', { oid: 2950, category: 'U' }),
  column('json', { oid: 114, category: 'U' }),
  column('jsonb', { oid: 3802, category: 'U' }),
  column('bytea', { oid: 17, category: 'U' }),
  column('text[]', { oid: 1009, category: 'A' }),
];

/** What the page shows of a rule: decisions as the file has them, and what comes in. A null is NULL. */
const EXAMPLES: { readonly [R in Rule['name']]: readonly Example[] } = {
  constant: [
    { decision: '{ constant: "0000" }', type: 'text', in: ['4929-1', '', null] },
    { decision: '{ constant: { value: "0000", nulls: false } }', type: 'text', in: [null] },
    { decision: '{ constant: 0 }', type: 'numeric(10,2)', in: ['19.90'] },
    { decision: '{ constant: 1970-01-01 }', type: 'date', in: ['1984-05-17'] },
    { decision: '{ constant: "false" }', type: 'boolean', in: ['t'] },
    {
      decision: '{ constant: 00000000-0000-0000-0000-000000000000 }',
      type: 'uuid',
      in: ['6f9619ff-8b86-d011-b42d-00c04fc964ff'],
    },
  ],
  mask: [
    { decision: 'mask', type: 'text', in: ['Anna', '', null] },
    { decision: '{ mask: { last: 2 } }', type: 'text', in: ['+4915112', '12'] },
    { decision: '{ mask: { first: 1, last: 1, with: "#" } }', type: 'text', in: ['Zoë Ann'] },
  ],
  hash: [
    { decision: 'hash', type: 'text', in: ['Anna', 'anna', '', null] },
    { decision: '{ hash: { class: person } }', type: 'text', in: ['Anna'] },
    { decision: '{ hash: { length: 12 } }', type: 'varchar(20)', in: ['Anna'] },
    { decision: '{ hash: { nulls: false } }', type: 'text', in: [null] },
  ],
  truncate: [{ decision: '{ truncate: 3 }', type: 'text', in: ['80331', 'Zoë Ann', '', null] }],
  round: [
    { decision: '{ round: 1 }', type: 'numeric', in: ['19.95', '-0.05', 'NaN', null] },
    { decision: '{ round: -1 }', type: 'integer', in: ['1984', '2147483647'] },
    { decision: '{ round: 0 }', type: 'numeric(10,2)', in: ['19.90'] },
  ],
  fake: [
    { decision: '{ fake: firstName }', type: 'text', in: ['Anna', '', null] },
    { decision: '{ fake: { kind: lastName, locale: de } }', type: 'text', in: ['Schmidt'] },
    { decision: '{ fake: name }', type: 'text', in: ['Anna Schmidt'] },
    { decision: '{ fake: email }', type: 'text', in: ['anna@corp.test'] },
    { decision: '{ fake: { kind: email, unique: true } }', type: 'text', in: ['anna@corp.test'] },
    { decision: '{ fake: { kind: email, domain: example.org } }', type: 'text', in: ['anna@corp.test'] },
    { decision: '{ fake: phone }', type: 'text', in: ['+49 151 1234567'] },
    { decision: '{ fake: street }', type: 'text', in: ['Hauptstr. 5'] },
    { decision: '{ fake: city }', type: 'text', in: ['München'] },
    { decision: '{ fake: postcode }', type: 'text', in: ['80331', 'SW1A 1AA'] },
    { decision: '{ fake: company }', type: 'text', in: ['Corp GmbH'] },
  ],
};

export const RULE_NAMES = Object.keys(EXAMPLES) as Rule['name'][];

interface Example {
  readonly decision: string;
  readonly type: string;
  readonly in: readonly (string | null)[];
}

/** A value that went through a rule. */
export interface Outcome {
  readonly decision: string;
  readonly type: string;
  readonly before: string | null;
  readonly after: string | null;
  /** Whether a column of the key may have the decision. */
  readonly fitsKey: boolean;
}

/** The bytes 0 to 31: nobody has this key, and everybody can compute the same. */
const KEYS = deriveKeys(new Secret(Buffer.from(Array.from({ length: 32 }, (_, index) => index))));

/** What really comes out, under a key that is fixed. */
export function outcomes(name: Rule['name']): Outcome[] {
  return EXAMPLES[name].flatMap((example) => {
    const rule = ruleOf(example.decision);
    const rewrite = compileRule(columnOf(example.type), rule, KEYS);
    return example.in.map((before) => ({
      decision: example.decision,
      type: example.type,
      before,
      after: before === null && rule.options.nulls ? null : rewrite(before ?? ''),
      fitsKey: transformOf(rule).injective(rule.options),
    }));
  });
}

/** Names of the column types that take the rule in some of its examples. */
export function typesOf(name: Rule['name']): string[] {
  const rules = EXAMPLES[name].map((example) => ruleOf(example.decision));
  const takes = (one: Column) => rules.some((rule) => transformOf(rule).misfit(one, rule.options) === null);
  return COLUMNS.filter(takes).map(({ name }) => name);
}

function ruleOf(written: string): Rule {
  const parsed = decision.parse(parse(written, { schema: 'core' }));
  if (parsed.kind !== 'rule') throw new TypeError(`${written} is not a rule`);
  return parsed;
}

function columnOf(type: string): Column {
  return COLUMNS.find(({ name }) => name === type)!;
}

/** `name` as people write the type. */
function column(name: string, type: Partial<Column['type']> & { category: string }): Column {
  const whole = { oid: 100_000, name, modifier: -1, kind: 'b', builtIn: true, padded: false, ...type } as const;
  return { attnum: 1, name, type: whole, deterministic: true };
}
