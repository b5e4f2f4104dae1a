import { testRows } from '../support/row-tests.ts';
import { PARTITIONS } from './schema-rows/partitions.ts';
import { PUBLICATIONS } from './schema-rows/publications.ts';
import { TABLES } from './schema-rows/tables.ts';

// The same for tables as a whole, their partitions and their publication.
testRows([...TABLES, ...PARTITIONS, ...PUBLICATIONS]);
