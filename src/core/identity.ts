/** Which database of which server: equal for two only where they are one, whatever their addresses. */
export interface Identity {
  readonly systemIdentifier: string;
  /** pg_postmaster_start_time() in seconds since 1970: a clone made from a base backup has the system identifier of its original. */
  readonly startedAt: string;
  readonly databaseOid: number;
}
