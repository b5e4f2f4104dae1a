/** What is in the folder of a table's log. */
export const LOG_FOLDER = '_delta_log';
export const LAST_CHECKPOINT = '_last_checkpoint';

const COMMIT = /(?:^|\/)(\d{20})\.json$/;
const CHECKPOINT = /(?:^|\/)(\d{20})\.checkpoint\.parquet$/;

export function commitName(version: number): string {
  return `${digits(version)}.json`;
}

export function checkpointName(version: number): string {
  return `${digits(version)}.checkpoint.parquet`;
}

/** The version whose commit it is; null where it is none. */
export function commitOf(name: string): number | null {
  return versionIn(COMMIT, name);
}

/** The version that it sums up; null where it is no checkpoint, or one in several parts. */
export function checkpointOf(name: string): number | null {
  return versionIn(CHECKPOINT, name);
}

function versionIn(pattern: RegExp, name: string): number | null {
  const digits = pattern.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

function digits(version: number): string {
  return String(version).padStart(20, '0');
}
