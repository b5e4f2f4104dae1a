// One way of having a Postgres cluster: given by address, in Docker, or started here. `postgres.ts` stands on this.

export interface Cluster {
  /** Superuser address, `postgres://user:password@host:port`. */
  readonly address: URL;
  /** Stands before the name of every database, so that tests which share a cluster do not meet. Empty on a cluster of our own. */
  readonly databasePrefix: string;
  /** False also where it ended by itself. */
  isRunning(): Promise<boolean>;
  /** Of the postmaster. A given cluster throws: it is not ours to signal. */
  pid(): number;
  /** On this machine's disk. A given cluster throws. */
  dataDirectory(): string;
  /** Resolves once it accepts connections; with the same address, data and settings as before. A given cluster throws. */
  start(): Promise<void>;
  /** Signals the postmaster and resolves once it has ended. A given cluster throws. */
  stop(signal: NodeJS.Signals): Promise<void>;
  /** That the server ended though nobody stopped it, with the end of its log; null where it did not, or nobody can say. */
  lost(): Promise<string | null>;
  /** Everything the server has logged so far. */
  log(): Promise<string>;
  /** Removes all that it left: processes, files, containers, databases. */
  remove(): Promise<void>;
}
