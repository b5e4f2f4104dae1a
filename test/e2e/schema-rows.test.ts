import { testRows } from '../support/schema/row-tests.ts';
import { COLUMNS } from './schema-rows/columns.ts';
import { KEYS } from './schema-rows/keys.ts';
import { VALUES } from './schema-rows/values.ts';

// The table of docs/configuration.md, "When a table changes", and what else may happen: what is done to columns, values and keys, and what comes of it.
testRows([...COLUMNS, ...VALUES, ...KEYS]);
