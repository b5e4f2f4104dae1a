import type { Checkpoint, History } from '../../core/checkpoint.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Bindings } from './bindings.ts';
import type { SlotKeeper } from './slot-keeper.ts';
import type { SourceLease } from './source-lease.ts';

/** Those that read together, as one sees them that does not. */
export interface Others {
  readonly lease: SourceLease;
  readonly slots: SlotKeeper;
  readonly bindings: Omit<Bindings, 'read'>;
  /** The sink has said what it holds. */
  read(sink: string, checkpoint: Checkpoint): void;
  /** What they hold. */
  readonly entries: Checkpoint['tables'];
  /** Of which database that is; null as long as it is not known. */
  readonly history: History | null;
  /** Whether they are at a copy, which another session would begin again. */
  readonly isCopying: boolean;
  /** Their slot does not pass this position of the sink, in the sessions to come as well; null: it stays where it is. */
  hold(sink: string, pos: Lsn | null): void;
  release(sink: string): void;
  /** The sink is to read with them again. */
  rejoin(sink: string): void;
}
