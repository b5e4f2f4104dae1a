import { randomUUID } from 'node:crypto';
import { DATE_FIELD } from '../columns/lake-table.ts';

/** What the names of files begin with that `pgveil lake` made. */
export const CARE = 'care';

const OURS = new RegExp(`^${DATE_FIELD}=\\d{4}-\\d\\d-\\d\\d/(${CARE}|\\d+)-[0-9a-f-]{36}\\.parquet$`);

/**
 * `_date=2026-11-21/7-UUID.parquet`, in a table's folder: a new file of one day, by the writer of an epoch, or by `care`. The log says which
 * day it is, as the protocol wants it; Polars takes that from the path all the same.
 */
export function newFileName(day: string, maker: string): string {
  return `${DATE_FIELD}=${day}/${maker}-${randomUUID()}.parquet`;
}

/** The epoch of the writer that made a file, or `care`; undefined where it is none of ours. */
export function makerOf(path: string): string | undefined {
  return OURS.exec(path)?.[1];
}
