import type { Secret } from '../../../src/core/secret.ts';
import type { Asked } from '../catalog/reading.ts';

/** What the source is to be, by the configuration. */
export interface Expected {
  readonly url: Secret;
  readonly tables: ReadonlyMap<string, Asked>;
  readonly publication: string;
  readonly slot: string;
  /** Null: where the server can. */
  readonly failover: boolean | null;
  /** The application_name of the connection that the WAL comes in on. */
  readonly stream?: string;
}
