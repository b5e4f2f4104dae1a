import { testRows } from '../support/row-tests.ts';
import { COLUMNS } from './schema-rows/columns.ts';

testRows([...COLUMNS]);
