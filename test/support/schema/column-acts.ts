import { assignKey, keyed, type Makers, someRows, transaction, withColumn, withColumns } from './act.ts';

/** Of the columns: not while what they hold depends on what was seen. */
export const COLUMNS: Makers = {
  add: (on, random) => {
    if (on.extras.length >= 3) return null;
    const how = random.pick([
      'text',
      `text DEFAULT 'more'`,
      'integer DEFAULT 7',
      'double precision DEFAULT random()',
      'integer GENERATED ALWAYS AS (1) STORED',
    ]);
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
