import type { DeltaType } from '../columns/column-type.ts';
import { KEY_FIELD, OUR_FIELDS } from '../columns/lake-table.ts';
import { identifier, literal } from '../parquet/duck.ts';
import type { Field } from './shape.ts';

/** Of what a row says of itself this much stays true of its latest state. */
const ABOUT = ['_op', '_commit_lsn', '_seq', '_commit_ts', '_xid'];

/**
 * DuckDB's SQL for the latest state of each row of `source` (a table, or a table function), with unchanged values filled in from earlier
 * rows. Names with a dot are its own: no column of the lake has one.
 */
export function latestQuery(fields: readonly Field[], source: string): string {
  const columns = fields.slice(1, fields.length - OUR_FIELDS);
  const large = columns.filter(({ type }) => canBeLarge(type));
  return `WITH RECURSIVE
"lake.rows" AS (
  SELECT * FROM ${source} WHERE _op <> 't' AND (_commit_lsn, _seq) > coalesce(
    (SELECT max((_commit_lsn, _seq)) FROM ${source} WHERE _op = 't'), (-1::BIGINT, -1::BIGINT))
),
-- A row's life begins where it was read or created.
"lake.lives" AS (
  SELECT *,
    count(*) FILTER (_op IN ('r', 'c')) OVER (PARTITION BY ${KEY_FIELD} ORDER BY _commit_lsn, _seq) AS "row.life",
    row_number() OVER (PARTITION BY ${KEY_FIELD} ORDER BY _commit_lsn DESC, _seq DESC) AS "row.age"
  FROM "lake.rows"
),
-- A key change: a life that goes on from that of another key, which ended just before.
"lake.moves" AS (
  SELECT came.${KEY_FIELD} AS key, came."row.life" AS life, gone.${KEY_FIELD} AS old_key, gone."row.life" AS old_life
  FROM "lake.lives" came JOIN "lake.lives" gone
    ON gone.${KEY_FIELD} = came._previous_key
    AND gone._commit_lsn = came._commit_lsn AND gone._seq = came._seq - 1
),
"lake.origins" AS (
  SELECT key, life, old_key AS first_key, old_life AS first_life FROM "lake.moves"
  WHERE (old_key, old_life) NOT IN (SELECT (key, life) FROM "lake.moves")
  UNION ALL
  SELECT moves.key, moves.life, origins.first_key, origins.first_life
  FROM "lake.moves" moves JOIN "lake.origins" origins ON moves.old_key = origins.key AND moves.old_life = origins.life
),
-- Of a value that was not sent: the one before it, and its text where it has no place in the type.
"lake.filled" AS (
  SELECT lives.*${large.map((field) => `,\n    ${lastSent(field)}`).join('')}
  FROM "lake.lives" lives LEFT JOIN "lake.origins" origins
    ON origins.key = lives.${KEY_FIELD} AND origins.life = lives."row.life"
  WINDOW "row.past" AS (
    PARTITION BY coalesce(origins.first_key, lives.${KEY_FIELD}), coalesce(origins.first_life, lives."row.life")
    ORDER BY _commit_lsn, _seq ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
SELECT ${[identifier(KEY_FIELD), ...columns.map((field) => shown(field, large)), ...ABOUT, texts(large)].join(',\n  ')}
FROM "lake.filled" WHERE "row.age" = 1 AND _op <> 'd'`;
}

/** Whether Postgres may store a value out of line, and so leave it out of an update. */
function canBeLarge(type: DeltaType): boolean {
  return typeof type !== 'string' || ['string', 'binary'].includes(type) || type.startsWith('decimal');
}

function lastSent({ name }: Field): string {
  const [column, text] = [identifier(name), literal(name)];
  return `last_value(CASE WHEN NOT coalesce(list_contains(_unchanged, ${text}), false)
      THEN {'value': ${column}, 'text': _text[${text}]} END IGNORE NULLS) OVER "row.past" AS ${past(name)}`;
}

function past(name: string): string {
  return identifier(`past.${name}`);
}

function shown({ name }: Field, large: readonly Field[]): string {
  return large.some((field) => field.name === name) ? `${past(name)}.value AS ${identifier(name)}` : identifier(name);
}

/** Only of numbers and lists is there such a text. */
function texts(large: readonly Field[]): string {
  const typed = large.filter(({ type }) => type !== 'string' && type !== 'binary');
  if (typed.length === 0) return '_text';
  const entries = typed.map(({ name }) => `{'key': ${literal(name)}, 'value': ${past(name)}.text}`);
  const filled = `map_from_entries([entry FOR entry IN [${entries.join(', ')}] IF entry.value IS NOT NULL])`;
  return `nullif(map_concat(coalesce(_text, MAP {}), ${filled}), MAP {}) AS _text`;
}
