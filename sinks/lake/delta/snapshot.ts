import type { Action, Add, MetaData, Protocol, Remove } from './action.ts';

/** A table as of one version of its log: what its commits up to there amount to. */
export class Snapshot {
  /** -1 before the first commit. */
  version = -1;
  protocol: Protocol | null = null;
  metaData: MetaData | null = null;
  /** By appId. */
  readonly txns = new Map<string, bigint>();
  /** By path. */
  readonly files = new Map<string, Add>();
  /** Files that were removed, by path. */
  readonly tombstones = new Map<string, Remove>();

  /** Takes the next commit in, or all of a checkpoint. */
  apply(version: number, actions: Iterable<Action>): void {
    this.version = version;
    for (const { protocol, metaData, txn, add, remove } of actions) {
      if (protocol) this.protocol = protocol;
      if (metaData) this.metaData = metaData;
      if (txn) this.txns.set(txn.appId, txn.version);
      if (add) {
        this.files.set(add.path, add);
        this.tombstones.delete(add.path);
      }
      if (remove) {
        this.files.delete(remove.path);
        this.tombstones.set(remove.path, remove);
      }
    }
  }
}
