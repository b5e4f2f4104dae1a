import { quoteText } from '../../../src/postgres/quote.ts';

/** The comment that tells a publication of ours from one that a person made: that one is never altered. */
export const MARK = 'made by pgveil';

/** Of a row `p` of pg_publication: ours, and the role may alter it. A person may have run the SQL that makes it. */
export const IS_OURS = `obj_description(p.oid, 'pg_publication') IS NOT DISTINCT FROM ${quoteText(MARK)} AND pg_has_role(p.pubowner, 'USAGE')`;

/** Columns of a relation's replica identity, by name; NULL under FULL, which holds them all. Leaves have attnums of their own, so names it is. */
const identityOf = (relation: string) => `
  CASE WHEN ${relation}.relreplident <> 'f' THEN (
    SELECT coalesce(json_agg(a.attname), '[]')
    FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    WHERE i.indrelid = ${relation}.oid AND i.indisvalid AND i.indimmediate
      AND CASE ${relation}.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
  ) END`;

/** Of a relation `c` of pg_class. */
export const IDENTITY_OF_C = identityOf('c');

/** `own` are the marks that a table has, or that its partitions have. */
const relationOf = (
  relation: string,
  namespace: string,
  own: Record<'definition' | 'attachedBy' | 'columnsChangedBy', string>,
) => `json_build_object(
  'oid', ${relation}.oid::bigint, 'schema', ${namespace}.nspname, 'relation', ${relation}.relname,
  'kind', ${relation}.relkind, 'persistence', ${relation}.relpersistence,
  'replicaIdentity', ${relation}.relreplident, 'identity', ${identityOf(relation)},
  'relfilenode', ${relation}.relfilenode::bigint, 'changedBy', ${relation}.xmin::text::bigint,
  'toast', ${relation}.reltoastrelid::bigint, 'columnsChangedBy', ${own.columnsChangedBy}, 'attachedBy', ${own.attachedBy},
  'bytes', current_setting('block_size')::bigint * (${relation}.relpages
    + coalesce((SELECT t.relpages FROM pg_class t WHERE t.oid = ${relation}.reltoastrelid), 0)),
  'definition', ${own.definition})`;

/** Since 18 a column may be called NOT NULL by a constraint that was not validated: rows may hold NULL. */
const NOT_NULL = `a.attnotnull AND NOT EXISTS (
  SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated)`;

/** Whether a column's type `t` is char(n), or a domain over it in whatever depth. */
const PADDED = `CASE t.typtype WHEN 'd' THEN (
    WITH RECURSIVE down AS (
      SELECT t.typbasetype AS oid
      UNION ALL
      SELECT b.typbasetype FROM down JOIN pg_type b ON b.oid = down.oid AND b.typtype = 'd'
    ) SELECT bool_or(oid = 'pg_catalog.bpchar'::regtype) FROM down
  ) ELSE t.oid = 'pg_catalog.bpchar'::regtype END`;

/** Arrays of text, not objects: over 500 tables json_build_object alone took 60 ms. */
const COLUMNS = `
  SELECT to_json(array_agg(ARRAY[
    a.attnum::text, a.attname, a.attgenerated::text, (${NOT_NULL})::text,
    (a.attcollation = ANY (moment.undetermined))::text,
    a.atttypid::text, format_type(a.atttypid, a.atttypmod), a.atttypmod::text,
    t.typtype::text, t.typcategory::text, (t.typnamespace = 'pg_catalog'::regnamespace)::text,
    (${PADDED})::text
  ] ORDER BY a.attnum))
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`;

const INDEXES = `
  SELECT to_json(array_agg(ARRAY[
    x.relname, m.amname, array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' '),
    i.indisunique::text, i.indisprimary::text, (i.indisvalid AND i.indisready)::text, i.indimmediate::text,
    (i.indpred IS NOT NULL)::text, (i.indexprs IS NOT NULL)::text, (NOT i.indclass::oid[] && moment.uncommon)::text
  ] ORDER BY x.relname))
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
  WHERE i.indrelid = c.oid AND i.indislive`;

const LEAF_DEFINITION = `(
  SELECT hashtextextended(string_agg(format('%s %I %s %s', a.attnum, a.attname, a.atttypid, a.atttypmod), ',' ORDER BY a.attnum), 0)::text
  FROM pg_attribute a WHERE a.attrelid = l.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')`;

const OF_LEAF = { definition: LEAF_DEFINITION, attachedBy: 'tree.attached_by', columnsChangedBy: `'[]'::json` };

const COLUMNS_CHANGED_BY = `(
  SELECT coalesce(json_agg(DISTINCT a.xmin::text::bigint), '[]') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)`;

const OF_TABLE = { definition: `''`, attachedBy: `''`, columnsChangedBy: COLUMNS_CHANGED_BY };

/** Those that Postgres itself defines stay as they are; everybody else's have higher oids. */
const OWN_TYPE = 16384;

/** Types that others define, and what they are made of: labels and attributes change without a trace in the table itself. */
const TYPES = `
  WITH RECURSIVE used AS (
    SELECT a.atttypid AS oid FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.atttypid >= ${OWN_TYPE}
    UNION
    SELECT part.oid FROM used JOIN pg_type t ON t.oid = used.oid CROSS JOIN LATERAL (
      SELECT t.typelem UNION SELECT t.typbasetype
      UNION SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid OR r.rngmultitypid = t.oid
      UNION SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS part (oid) WHERE part.oid >= ${OWN_TYPE}
  )
  SELECT coalesce(json_agg(json_build_object('oid', t.oid::bigint, 'name', format_type(t.oid, NULL),
    'labels', (SELECT coalesce(json_agg(concat_ws(' ', e.oid, e.xmin) ORDER BY e.oid), '[]') FROM pg_enum e WHERE e.enumtypid = t.oid),
    'attributes', (SELECT coalesce(string_agg(concat_ws(' ', a.attnum, a.atttypid, a.atttypmod), ',' ORDER BY a.attnum), '')
      FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)) ORDER BY t.oid), '[]')
  FROM used JOIN pg_type t ON t.oid = used.oid AND t.typtype IN ('c', 'e')`;

/** Not pg_partition_tree(): it locks every partition, and so would wait behind an ALTER of any of them. */
const LEAVES = `
  WITH RECURSIVE tree AS (
    SELECT c.oid, '' AS attached_by WHERE c.relkind = 'p'
    UNION ALL
    SELECT h.inhrelid, concat_ws(' ', h.xmin, nullif(tree.attached_by, '')) FROM tree JOIN pg_inherits h ON h.inhparent = tree.oid WHERE NOT h.inhdetachpending
  )
  SELECT json_build_object('oids', coalesce(string_agg(l.oid::text, ' ' ORDER BY l.oid), ''), 'read', coalesce(
    json_agg(${relationOf('l', 'ln', OF_LEAF)} ORDER BY l.oid) FILTER (WHERE $4::oid IS NULL OR l.oid = $4), '[]'))
  FROM tree JOIN pg_class l ON l.oid = tree.oid AND l.relkind <> 'p' JOIN pg_namespace ln ON ln.oid = l.relnamespace`;

const ANCESTORS = `
  WITH RECURSIVE up AS (
    SELECT h.inhparent AS oid FROM pg_inherits h WHERE h.inhrelid = c.oid AND c.relispartition
    UNION ALL
    SELECT h.inhparent FROM up JOIN pg_inherits h ON h.inhrelid = up.oid
  )
  SELECT coalesce(json_agg(json_build_object('oid', up.oid::bigint, 'sent', EXISTS (
    SELECT FROM pg_publication p JOIN pg_class a ON a.oid = up.oid
    WHERE p.pubname = asked.publication AND p.pubviaroot AND (p.puballtables
      OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = a.oid)
      OR EXISTS (SELECT FROM published_schema s WHERE s.publication = p.oid AND s.namespace = a.relnamespace))))), '[]')
  FROM up`;

/** pg_publication_namespace is there since 15, and a statement that names it fails before: pg_depend has an oid of each of its rows in all. */
const SCHEMAS = `
  SELECT p.refobjid AS publication, n.refobjid AS namespace, p.objid AS oid
  FROM pg_depend p JOIN pg_depend n ON n.classid = p.classid AND n.objid = p.objid
  WHERE p.classid = to_regclass('pg_catalog.pg_publication_namespace')
    AND p.refclassid = 'pg_publication'::regclass AND n.refclassid = 'pg_namespace'::regclass`;

const PUBLISHING = `
  SELECT json_build_object('publication', concat_ws(' ', p.oid, p.xmin),
    'byName', (SELECT concat_ws(' ', r.oid, r.xmin) FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid),
    'bySchema', (SELECT concat_ws(' ', s.oid, t.xmin) FROM published_schema s JOIN pg_type t ON t.oid = c.reltype
      WHERE s.publication = p.oid AND s.namespace = n.oid))
  FROM pg_publication p WHERE p.pubname = asked.publication`;

/** Whether a publication sends stored generated columns, or will: one that is not there yet, or is ours to alter. Before 18 none does, and nobody minds. */
const SENDS_GENERATED = `
  SELECT p.pubname AS publication, to_jsonb(p) ->> 'pubgencols' IS DISTINCT FROM 'n' OR (${IS_OURS}) AS sends
  FROM pg_publication p`;

/**
 * One row per asked table, `nth` from 1 (at least one row, with a null `nth`). $1, $2 and $3 are the schemas, the relations and the publications, as text[]:
 * a cast to `name` would cut a long one to 63 bytes and find another table. One statement is one snapshot.
 * $4 is the one leaf to read, or null for all of them. It takes no lock on any table (pg_relation_size and its kin would), so that it can never wait behind an ALTER.
 */
export const CATALOG = `
  WITH published_schema AS MATERIALIZED (${SCHEMAS}), generated AS MATERIALIZED (${SENDS_GENERATED})
  SELECT moment.snapshot, moment.lsn, asked.nth, c.oid IS NOT NULL AS found,
    CASE WHEN c.oid IS NOT NULL THEN ${relationOf('c', 'n', OF_TABLE)} END AS relation,
    (${COLUMNS}) AS columns, (${INDEXES}) AS indexes, (${LEAVES}) AS leaves, (${ANCESTORS}) AS ancestors,
    (${PUBLISHING}) AS publishing, coalesce(generated.sends, true) AS sends_generated, (${TYPES}) AS types
  FROM (SELECT pg_current_snapshot()::text AS snapshot, pg_current_wal_flush_lsn()::text AS lsn,
               ARRAY(SELECT oid FROM pg_collation WHERE NOT collisdeterministic) AS undetermined,
               ARRAY(SELECT oid FROM pg_opclass WHERE NOT opcdefault) AS uncommon) AS moment
  LEFT JOIN unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (schema, relation, publication, nth) ON true
  LEFT JOIN pg_namespace n ON n.nspname = asked.schema
  LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = asked.relation
  LEFT JOIN generated ON generated.publication = asked.publication
  ORDER BY asked.nth`;
