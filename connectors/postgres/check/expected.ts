import type { Secret } from '../../../src/core/secret.ts';
import type { Asked } from '../catalog/reading.ts';
import type { Detaching } from './detaching.ts';
import type { Footing } from './footing.ts';

/** What the source is to be, by the configuration. */
export interface Expected {
  readonly url: Secret;
  readonly tables: ReadonlyMap<string, Asked>;
  readonly publication: string;
  readonly slot: string;
  /** Null: where the server can. */
  readonly failover: boolean | null;
  /** Where it is known what a start goes on from. */
  readonly footing?: Footing;
  /** The application_name of the connection that the WAL comes in on. */
  readonly stream?: string;
  readonly detaching?: Detaching;
}
