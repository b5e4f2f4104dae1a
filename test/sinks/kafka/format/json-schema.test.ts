import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { envelopeSchema } from '../../../../sinks/kafka/format/connect-schema.ts';
import { flatSchema } from '../../../../sinks/kafka/format/flat-schema.ts';
import { type JsonSchema, jsonSchema, withEarlier } from '../../../../sinks/kafka/format/json-schema.ts';
import { sketchTable } from '../../../support/batches.ts';
import { canReadJson } from '../../../support/kafka/schema-compatibility.ts';

const sketch = (columns: Record<string, string>) => sketchTable({ relation: 'person', columns, key: ['id'] });
const flat = (columns: Record<string, string>) => jsonSchema(flatSchema(sketch(columns), 'number'), 'text');
const envelope = (columns: Record<string, string>) => jsonSchema(envelopeSchema(sketch(columns), 'number'), 'null');

describe('a JSON Schema', () => {
  test('has a property for each field, and nothing else may be there', () => {
    const { $schema, type, title, properties, required, additionalProperties } = flat({ id: 'bigint', name: 'text' });
    assert.deepEqual(
      { $schema, type, title, additionalProperties },
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        title: 'public.person.Row',
        additionalProperties: false,
      },
    );
    assert.deepEqual(properties!.id, { oneOf: [{ type: 'null' }, { type: 'integer', 'connect.type': 'int64' }] });
    assert.deepEqual(required, ['source_primary_key', '__op', '__commit_lsn', '__commit_ts_ms', '__seq']);
  });

  test('takes the texts of floats that JSON has no number for in flat, and not in debezium, which has null there', () => {
    const { weight } = flat({ id: 'bigint', weight: 'real' }).properties!;
    assert.deepEqual(weight!.oneOf!.at(-1), { enum: ['NaN', 'Infinity', '-Infinity'] });
    assert.doesNotMatch(JSON.stringify(envelope({ id: 'bigint', weight: 'real' })), /NaN/);
  });

  for (const [name, of] of Object.entries({ flat, envelope })) {
    const before = { id: 'bigint', name: 'text' };

    test(`of a table with another column takes what was written before (${name})`, () => {
      assert.ok(canReadJson(of({ ...before, constructor: 'text' }), of(before)));
    });

    test(`of a table with a column less takes it once it was told of the earlier one (${name})`, () => {
      const [earlier, later] = [of(before), of({ id: 'bigint' })];
      assert.ok(!canReadJson(later, earlier));
      const told = withEarlier(later, earlier);
      assert.ok(canReadJson(told, earlier));
      assert.deepEqual(withEarlier(later, told), told); // and the next start has the same
    });

    test(`of a table with a column of another type does not (${name})`, () => {
      const [earlier, later] = [of(before), of({ id: 'bigint', name: 'integer' })];
      assert.ok(!canReadJson(withEarlier(later, earlier), earlier));
    });
  }

  test('is not disturbed by what somebody else registered before', () => {
    const schema: JsonSchema = flat({ id: 'bigint' });
    assert.deepEqual(withEarlier(schema, { type: 'string' }), schema);
    assert.deepEqual(withEarlier(schema, envelope({ id: 'bigint' })), schema);
    assert.deepEqual(withEarlier(schema, undefined), schema);
  });
});
