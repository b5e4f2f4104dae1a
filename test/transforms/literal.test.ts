import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { literal } from '../../transforms/literal.ts';
import { typeOf } from './fixture.ts';

describe('a constant becomes what Postgres would write', () => {
  // Each was compared with `SELECT 'text'::type` on PostgreSQL 15.
  const accepted: [type: string, text: string, written: string][] = [
    ['text', '', ''],
    ['varchar(3)', '💥💥💥', '💥💥💥'],
    ['public.mood', 'any label', 'any label'],
    ['public.email', 'a@example.com', 'a@example.com'],
    ['boolean', 'TRUE', 't'],
    ['boolean', 'f', 'f'],
    ['smallint', '-32768', '-32768'],
    ['integer', '+05', '5'],
    ['bigint', '9223372036854775807', '9223372036854775807'],
    ['numeric', '1.50', '1.50'],
    ['numeric', '-0', '0'],
    ['numeric', '1e5', '100000'],
    ['numeric(5,2)', '1.5', '1.50'],
    ['numeric(5,2)', '123.45', '123.45'],
    ['numeric(3,-2)', '10000', '10000'],
    ['double precision', '0.1', '0.1'],
    ['real', '1e5', '100000'],
    ['public.price', '9.99', '9.99'],
    ['date', '2024-02-29', '2024-02-29'],
    ['timestamp without time zone', '2024-01-01T12:30:00.120', '2024-01-01 12:30:00.12'],
    ['timestamp without time zone', '2024-01-01', '2024-01-01 00:00:00'],
    ['timestamp with time zone', '2024-01-01 12:30:00Z', '2024-01-01 12:30:00+00'],
    ['uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ];
  for (const [type, text, written] of accepted) {
    test(`${text} as ${type}`, () => assert.equal(literal(typeOf(type), text), written));
  }
});

describe('a constant is refused where it is no value of the column, or may be none', () => {
  const refused: [type: string, text: string][] = [
    ['varchar(3)', 'four'],
    ['text', 'zero\u0000byte'],
    ['name', 'x'.repeat(64)],
    ['"char"', 'a'],
    ['boolean', 'maybe'],
    ['smallint', '32768'],
    ['integer', '1.5'],
    ['bigint', '9223372036854775808'],
    ['numeric(5,2)', '1.005'],
    ['numeric(5,2)', '1000'],
    ['numeric(3,-2)', '10'],
    ['numeric', 'NaN'],
    ['double precision', '1e309'],
    ['double precision', '1e-330'],
    ['double precision', '0.1234567890123456789'],
    ['real', '1234567'],
    ['date', '2023-02-29'],
    ['date', '0000-01-01'],
    ['date', 'today'],
    ['timestamp without time zone', '2024-01-01 24:00:00'],
    ['timestamp with time zone', '2024-01-01 12:30:00+02'],
    ['uuid', 'a0eebc99'],
    ['json', '{}'],
    ['bytea', '\\x00'],
    ['text[]', '{}'],
    ['money', '0'],
    ['public.birthday', '2024-01-01'],
    ['public.address', '(a,b)'],
  ];
  for (const [type, text] of refused) {
    test(`${JSON.stringify(text).slice(0, 30)} as ${type}`, () => assert.equal(literal(typeOf(type), text), null));
  }
});
