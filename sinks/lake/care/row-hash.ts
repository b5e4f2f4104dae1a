import type { DeltaType } from '../columns/column-type.ts';
import { KEY_FIELD, OUR_FIELDS, TEXT_FIELD } from '../columns/lake-table.ts';
import { identifier } from '../parquet/duck.ts';
import type { Field } from './shape.ts';

/** DuckDB's SQL for three values of each row of `source`: 16 bytes of the hash of its key, 16 of that of all that the source's row says, and its place in the stream. */
export function hashQuery(fields: readonly Field[], source: string): string {
  const said = [...fields.slice(0, fields.length - OUR_FIELDS), ...fields.filter(({ name }) => name === TEXT_FIELD)];
  const row = said.map(({ name, type }) => measured(identifier(name), type)).join(' || ');
  return `SELECT ${hashed(KEY_FIELD)} AS key, ${hashed(row)} AS row, _commit_lsn || ' ' || _seq AS place FROM ${source}`;
}

function hashed(text: string): string {
  return `unhex(left(sha256(${text}), 32))`;
}

/** With its length in front, so that two rows have one text only where they are equal. */
function measured(value: string, type: DeltaType): string {
  const text = textOf(value, type);
  return `coalesce(strlen(${text}) || ':' || ${text}, '-')`;
}

function textOf(value: string, type: DeltaType): string {
  if (type === 'string') return value;
  if (type === 'binary') return `hex(${value})`;
  if (type === 'timestamp' || type === 'timestamp_ntz') return `epoch_us(${value})::VARCHAR`;
  if (typeof type === 'string') return `${value}::VARCHAR`;
  if (type.type === 'array') return listText(value, measured('item', type.elementType));
  // In whichever order: a fold puts together what came with several rows.
  const entry = `${measured('item.key', type.keyType)} || ${measured('item.value', type.valueType)}`;
  return listText(`list_sort(map_entries(${value}))`, entry);
}

function listText(list: string, item: string): string {
  return `array_to_string(list_transform(${list}, item -> ${item}), '')`;
}
