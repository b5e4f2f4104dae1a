import { keyed, type Makers, transaction, withColumn } from './act.ts';

/** Of the table as a whole, and of its place. */
export const TABLE: Makers = {
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
export const PARTITIONS: Makers = {
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

  detachedConcurrently: (on) => ({
    what: 'a partition detached concurrently for a while',
    sql: [`ALTER TABLE ${on.name} DETACH PARTITION ${on.name}_low CONCURRENTLY`],
    undo: [`ALTER TABLE ${on.name} ATTACH PARTITION ${on.name}_low FOR VALUES FROM (0) TO (150)`],
    leaves: 'detached',
    alone: true,
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

/** Of the type `mood`, which only a partitioned table has values of. */
export const LABELS: Makers = {
  labelAdded: (on) => ({
    what: 'a label added',
    sql: [`ALTER TYPE public.mood ADD VALUE 'mood ${on.nextNumber()}'`],
    alone: true,
  }),
};

/** What every busy database does. */
export const HARMLESS: Makers = {
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
