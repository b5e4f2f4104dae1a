import { type Described, rowFields, type Schema, structName } from './connect-schema.ts';
import { KEY_FIELD } from './message-table.ts';

/** The schema of a `flat` value. */
export function flatSchema(table: Described, int8: 'number' | 'string'): Schema {
  return {
    type: 'struct',
    optional: false,
    name: structName(table, 'Row'),
    fields: [
      { type: 'string', optional: false, field: KEY_FIELD },
      ...rowFields(table, int8),
      { type: 'string', optional: false, field: '__op' },
      { type: 'string', optional: false, field: '__commit_lsn' },
      { type: 'int64', optional: false, field: '__commit_ts_ms' },
      { type: 'int64', optional: false, field: '__seq' },
      { type: 'string', optional: true, field: '__previous_key' },
      { type: 'array', optional: false, items: { type: 'string', optional: false }, field: '__unchanged' },
    ],
  };
}
