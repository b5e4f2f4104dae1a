// What applications and their DBAs do to a table. Each makes an act of its kind for a table as it is, or null where there is none.
import type { Act, Altered } from './altered.ts';
import type { Random } from './prng.ts';
import type { RandomColumn } from './random-table.ts';

export type Maker = (on: Altered, random: Random) => Act | null;

const transaction = (...statements: string[]) => [`BEGIN; ${statements.join('; ')}; COMMIT`];

/** Of the columns: not while what they hold depends on what was seen. */
const COLUMNS: Readonly<Record<string, Maker>> = {
  add: (on, random) => {
    if (on.extras.length >= 3) return null;
    const how = random.pick(['text', `text DEFAULT 'more'`, 'integer DEFAULT 7', 'double precision DEFAULT random()']);
    return { what: 'a column added', sql: [`ALTER TABLE ${on.name} ADD extra_${on.nextNumber()} ${how}`] };
  },

  dropExtra: (on, random) => {
    if (on.extras.length === 0) return null;
    return { what: 'an undecided column dropped', sql: [`ALTER TABLE ${on.name} DROP ${random.pick(on.extras)}`] };
  },

  addAndDropped: (on) => {
    const extra = `extra_${on.nextNumber()}`;
    return {
      what: 'a column added, written and dropped in one transaction',
      sql: transaction(
        `ALTER TABLE ${on.name} ADD ${extra} text DEFAULT 'more'`,
        `UPDATE ${on.name} SET ${extra} = 'written' WHERE ${someRows(on)}`,
        `ALTER TABLE ${on.name} DROP ${extra}`,
        `UPDATE ${on.name} SET ${assignKey(on)} WHERE ${someRows(on)}`,
      ),
    };
  },

  drop: (on, random) =>
    withColumn(on, random, ({ name, type }) => ({
      what: `${name} dropped`,
      sql: [`ALTER TABLE ${on.name} DROP ${name}`],
      undo: [`ALTER TABLE ${on.name} ADD ${name} ${type}`],
    })),

  dropAndAdd: (on, random) =>
    withColumn(on, random, ({ name, type }) => ({
      what: `${name} dropped and added`,
      sql: random.pick([
        [`ALTER TABLE ${on.name} DROP ${name}, ADD ${name} ${type}`],
        [`ALTER TABLE ${on.name} DROP ${name}`, `ALTER TABLE ${on.name} ADD ${name} ${type}`],
      ]),
    })),

  rename: (on, random) => {
    const [column] = on.some(random, 1, [...on.columns, ...on.columns, ...on.table.key]) ?? [];
    if (!column || !on.decided.includes(column.name)) return null;
    const aside = `aside_${on.nextNumber()}`;
    return {
      what: `${column.name} renamed`,
      sql: [`ALTER TABLE ${on.name} RENAME ${column.name} TO ${aside}`],
      undo: [`ALTER TABLE ${on.name} RENAME ${aside} TO ${column.name}`],
    };
  },

  swap: (on, random) =>
    withColumns(on, random, ({ name: one }, { name: other }) => {
      const [there, between, back] = [`${one} TO between`, `${other} TO ${one}`, `between TO ${other}`];
      const sql = transaction(...[there, between, back].map((how) => `ALTER TABLE ${on.name} RENAME ${how}`));
      return { what: `${one} and ${other} swapped names`, sql, undo: sql, leaves: 'moved' };
    }),

  intoPlace: (on, random) =>
    withColumns(on, random, (one, other) => ({
      what: `${other.name} dropped and ${one.name} renamed into its place`,
      sql: transaction(
        `ALTER TABLE ${on.name} DROP ${other.name}`,
        `ALTER TABLE ${on.name} RENAME ${one.name} TO ${other.name}`,
        `ALTER TABLE ${on.name} ADD ${one.name} ${one.type}`,
        `UPDATE ${on.name} SET ${assignKey(on)} WHERE ${someRows(on)}`,
      ),
      undo: transaction(
        `ALTER TABLE ${on.name} DROP ${one.name}, DROP ${other.name}`,
        `ALTER TABLE ${on.name} ADD ${one.name} ${one.type}, ADD ${other.name} ${other.type}`,
      ),
      leaves: 'moved',
    })),

  retype: (on, random) =>
    withColumn(on, random, ({ name, type }) => {
      const other = OTHER_TYPES[type];
      if (!other) return null;
      const to = (given: string, using: string) => [
        `ALTER TABLE ${on.name} ALTER ${name} DROP DEFAULT, ALTER ${name} TYPE ${given} USING ${using}`,
      ];
      return { what: `${name} retyped`, sql: to(other.type, other.there(name)), undo: to(type, other.back(name)) };
    }),

  retypeKey: (on, random) => {
    const [column] =
      on.some(
        random,
        1,
        on.table.key.filter(({ type }) => type === 'integer'),
      ) ?? [];
    if (!column || on.isPartitioned) return null;
    const to = (type: string) => [`ALTER TABLE ${on.name} ALTER ${column.name} TYPE ${type}`];
    return { what: `${column.name} of the key retyped`, sql: to('bigint'), undo: to('integer') };
  },

  rewrite: (on, random) =>
    withColumn(on, random, ({ name, type }) => {
      const using = REWRITES[type]?.(name);
      if (!using) return null;
      const sql = [`ALTER TABLE ${on.name} ALTER ${name} DROP DEFAULT, ALTER ${name} TYPE ${type} USING ${using}`];
      return { what: `${name} rewritten in place`, sql };
    }),

  default: (on, random) =>
    withColumn(on, random, ({ name }) => ({
      what: `${name} has another default`,
      sql: [`ALTER TABLE ${on.name} ALTER ${name} ${random.pick(['SET DEFAULT NULL', 'DROP DEFAULT'])}`],
    })),

  notNull: (on, random) =>
    withColumn(on, random, ({ name, type, nullable }) => {
      if (!(type in FILLERS)) return null;
      const fill = `UPDATE ${on.name} SET ${name} = ${FILLERS[type]} WHERE ${name} IS NULL`;
      const sql = nullable
        ? transaction(fill, `ALTER TABLE ${on.name} ALTER ${name} SET NOT NULL`)
        : [`ALTER TABLE ${on.name} ALTER ${name} DROP NOT NULL`];
      return { what: `${name} ${nullable ? 'must not be NULL' : 'may be NULL'}`, sql };
    }),

  key: (on, random) => {
    const integers = on.columns.filter(({ type }) => type === 'integer');
    const [column] = on.some(random, 1, integers) ?? [];
    if (!column || on.isPartitioned || on.has('key', 'identity')) return null;
    const before = on.table.key.map(({ name }) => name);
    return {
      what: `${column.name} in the key`,
      sql: transaction(
        `UPDATE ${on.name} SET ${column.name} = 0 WHERE ${column.name} IS NULL`,
        `ALTER TABLE ${on.name} ALTER ${column.name} SET NOT NULL`,
        ...keyed(
          on,
          random.pick([
            [...before, column.name],
            [column.name, ...before],
          ]),
        ),
      ),
      undo: transaction(...keyed(on, before)),
      leaves: 'key',
    };
  },
};

/** Of the table as a whole, and of its place. */
const TABLE: Readonly<Record<string, Maker>> = {
  truncate: (on) => ({ what: 'truncated', sql: [`TRUNCATE ${on.name}`] }),

  identity: (on, random) => {
    if (on.has('identity')) return null;
    const before = on.create.includes('REPLICA IDENTITY FULL') ? 'FULL' : 'DEFAULT';
    const to = random.pick(['FULL', 'DEFAULT', `USING INDEX ${on.relation}_pkey`].filter((one) => one !== before));
    if (on.isPartitioned && to.startsWith('USING')) return null;
    const sql = (identity: string) => [`ALTER TABLE ${on.name} REPLICA IDENTITY ${identity}`];
    return { what: `replica identity ${to}`, sql: sql(to), undo: sql(before), leaves: 'identity' };
  },

  keyless: (on) => {
    if (on.isPartitioned || on.has('identity')) return null;
    const before = on.create.includes('REPLICA IDENTITY FULL') ? 'FULL' : 'DEFAULT';
    const [drop, add] = keyed(
      on,
      on.table.key.map(({ name }) => name),
    );
    return {
      what: 'without a key',
      sql: transaction(`ALTER TABLE ${on.name} REPLICA IDENTITY FULL`, drop!),
      undo: transaction(add!, `ALTER TABLE ${on.name} REPLICA IDENTITY ${before}`),
      leaves: 'away',
    };
  },

  dropped: (on) => ({
    what: 'dropped for a while',
    sql: [`DROP TABLE ${on.name}`],
    undo: [`BEGIN; ${on.create}; COMMIT`],
    leaves: 'away',
    anew: true,
  }),

  madeAnew: (on) => ({ what: 'made anew', sql: transaction(`DROP TABLE ${on.name}`, on.create), anew: true }),

  renamed: (on) => ({
    what: 'called by another name for a while',
    sql: [`ALTER TABLE ${on.name} RENAME TO ${on.relation}_away`],
    undo: [`ALTER TABLE public.${on.relation}_away RENAME TO ${on.relation}`],
    leaves: 'away',
    name: `public.${on.relation}_away`,
  }),

  elsewhere: (on) => ({
    what: 'in another schema for a while',
    sql: [`ALTER TABLE ${on.name} SET SCHEMA elsewhere`],
    undo: [`ALTER TABLE elsewhere.${on.relation} SET SCHEMA public`],
    leaves: 'away',
    name: `elsewhere.${on.relation}`,
  }),
};

/** Of partitions `_low` from 0 to 150, `_mid` to 300 and `_high` beyond. */
const PARTITIONS: Readonly<Record<string, Maker>> = {
  leafTruncated: (on, random) => ({
    what: 'a partition truncated',
    sql: [`TRUNCATE ${on.name}_${random.pick(['low', 'mid', 'high'])}`],
  }),

  leafRewritten: (on, random) => ({
    what: 'a partition vacuumed in full',
    sql: [`VACUUM FULL ${on.name}_${random.pick(['low', 'mid', 'high'])}`],
    alone: true,
  }),

  detached: (on) => ({
    what: 'a partition detached for a while',
    sql: [`ALTER TABLE ${on.name} DETACH PARTITION ${on.name}_low`],
    undo: [`ALTER TABLE ${on.name} ATTACH PARTITION ${on.name}_low FOR VALUES FROM (0) TO (150)`],
    leaves: 'detached',
  }),

  detachedAndAttached: (on, random) => ({
    what: 'a partition changed while it was detached',
    sql: transaction(
      `ALTER TABLE ${on.name} DETACH PARTITION ${on.name}_mid`,
      random.pick([`DELETE FROM ${on.name}_mid WHERE id % 2 = 0`, `TRUNCATE ${on.name}_mid`]),
      `ALTER TABLE ${on.name} ATTACH PARTITION ${on.name}_mid FOR VALUES FROM (150) TO (300)`,
    ),
  }),

  attached: (on) => {
    const number = on.nextNumber();
    const [leaf, from, to] = [`${on.name}_more_${number}`, -(number + 1) * 100, -number * 100];
    const make = `CREATE TABLE ${leaf} (LIKE ${on.name} INCLUDING ALL)`;
    const fill = `INSERT INTO ${leaf} (${on.table.key[0]!.name}) SELECT i FROM generate_series(${from}, ${from + 20}) i`;
    const attach = `ALTER TABLE ${on.name} ATTACH PARTITION ${leaf} FOR VALUES FROM (${from}) TO (${to})`;
    if (on.columns.some(({ nullable }) => !nullable)) return null;
    return { what: 'a partition attached with rows in it', sql: [`BEGIN; ${make}; ${fill}; COMMIT`, attach] };
  },

  leafDropped: (on) => ({
    what: 'a partition dropped and made anew',
    sql: [
      `DROP TABLE ${on.name}_low`,
      `CREATE TABLE ${on.name}_low PARTITION OF ${on.name} FOR VALUES FROM (0) TO (150)`,
    ],
  }),
};

/** What every busy database does. */
const HARMLESS: Readonly<Record<string, Maker>> = {
  vacuum: (on) => ({ what: 'vacuumed in full', sql: [`VACUUM FULL ${on.name}`], alone: true }),
  cluster: (on) => {
    if (on.isPartitioned) return null;
    return { what: 'clustered', sql: [`CLUSTER ${on.name} USING ${on.relation}_pkey`], alone: true };
  },
  index: (on, random) =>
    withColumn(on, random, ({ name }) => ({
      what: 'indexed',
      sql: [`CREATE INDEX ON ${on.name} ((${name} IS NULL))`, `REINDEX TABLE ${on.name}`],
      alone: true,
    })),
  catalog: (on, random) =>
    withColumn(on, random, ({ name }) => ({
      what: 'analysed, granted, commented',
      sql: [
        `ANALYZE ${on.name}; GRANT SELECT ON ${on.name} TO PUBLIC; COMMENT ON TABLE ${on.name} IS 'a table'`,
        `ALTER TABLE ${on.name} ALTER ${name} SET STATISTICS ${random.int(1, 100)}`,
      ],
      alone: true,
    })),
};

const fits = (makers: Readonly<Record<string, Maker>>, can: (on: Altered) => boolean): Maker[] =>
  Object.values(makers).map((make) => (on, random) => (can(on) ? make(on, random) : null));

/** All of them. None is for a table that is away. */
export const ACTS: readonly Maker[] = [
  ...fits(COLUMNS, (on) => !on.has('moved', 'detached')),
  ...fits(TABLE, (on) => !on.isPartitioned || !on.has('detached')),
  ...fits(PARTITIONS, (on) => on.isPartitioned && !on.has('detached')),
  ...fits(HARMLESS, () => true),
];

const OTHER_TYPES: Readonly<Record<string, Record<'there' | 'back', (name: string) => string> & { type: string }>> = {
  text: { type: 'character varying(60)', there: (name) => `left(${name}, 60)`, back: (name) => name },
  integer: { type: 'bigint', there: (name) => name, back: (name) => `(${name} % 1000)::integer` },
  'numeric(12,2)': { type: 'numeric(14,4)', there: (name) => name, back: (name) => `round(${name}, 2)` },
  date: { type: 'text', there: (name) => `${name}::text`, back: () => 'NULL::date' },
};

const REWRITES: Readonly<Record<string, (name: string) => string>> = {
  text: (name) => `reverse(${name})`,
  'character varying(60)': (name) => `upper(${name})`,
  integer: (name) => `${name} / 2`,
  bigint: (name) => `${name} / 2`,
  date: (name) => `${name} + 1`,
  'numeric(12,2)': (name) => `round(${name} / 2, 2)`,
};

const FILLERS: Readonly<Record<string, string>> = { text: `'filled'`, integer: '0', 'numeric(12,2)': '0' };

function withColumn(on: Altered, random: Random, make: (column: RandomColumn) => Act | null): Act | null {
  const [column] = on.some(random, 1) ?? [];
  return column ? make(column) : null;
}

function withColumns(
  on: Altered,
  random: Random,
  make: (one: RandomColumn, other: RandomColumn) => Act | null,
): Act | null {
  const [one, other] = on.some(random, 2) ?? [];
  return one && other ? make(one, other) : null;
}

function keyed({ name, relation }: Altered, columns: readonly string[]): string[] {
  return [
    `ALTER TABLE ${name} DROP CONSTRAINT ${relation}_pkey`,
    `ALTER TABLE ${name} ADD CONSTRAINT ${relation}_pkey PRIMARY KEY (${columns.join(', ')})`,
  ];
}

const assignKey = ({ table }: Altered) => `${table.key[0]!.name} = ${table.key[0]!.name}`;

function someRows({ table }: Altered): string {
  const keys = table.key.map(({ name }) => name).join(', ');
  return `(${keys}) IN (SELECT ${keys} FROM ${table.name} ORDER BY ${keys} LIMIT 5)`;
}
