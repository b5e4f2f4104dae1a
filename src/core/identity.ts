/** Equal for two only where they are one, whatever their addresses. */
export type Identity = DatabaseIdentity | ClusterIdentity;

/** Which database of which server. */
export interface DatabaseIdentity {
  readonly systemIdentifier: string;
  /** pg_postmaster_start_time() in seconds since 1970: a clone made from a base backup has the system identifier of its original. */
  readonly startedAt: string;
  readonly databaseOid: number;
}

/** Which cluster of brokers. */
export interface ClusterIdentity {
  readonly clusterId: string;
}
