import type pg from 'pg';
import type { WalAlarm } from '../../../src/core/observer.ts';
import { ask } from '../session.ts';

/**
 * Tells when the server begins to count whoever reads from a slot among its synchronous standbys, and when it does not any more. Commits may
 * wait for us then, while their rows wait for the commit: see Relations.
 */
export class SyncState {
  readonly #slot: string;
  readonly #tell: (alarm: WalAlarm) => void;
  #isSynchronous = false;

  constructor(slot: string, tell: (alarm: WalAlarm) => void) {
    this.#slot = slot;
    this.#tell = tell;
  }

  async look(client: pg.Client): Promise<void> {
    const [row] = await ask<{ state: string }>(
      client,
      `SELECT r.sync_state AS state FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid
      WHERE s.slot_name = $1`,
      [this.#slot],
    );
    const isSynchronous = row !== undefined && row.state !== null && row.state !== 'async';
    this.#note(isSynchronous);
  }

  /** Nobody reads any more, or nobody looks. */
  end(): void {
    this.#note(false);
  }

  #note(isSynchronous: boolean): void {
    if (isSynchronous === this.#isSynchronous) return;
    this.#isSynchronous = isSynchronous;
    const slot = this.#slot;
    const message = `the source counts whoever reads from the slot ${slot} among its synchronous standbys: commits may wait for pgveil`;
    this.#tell({ type: 'wal alarm', slot, code: 'sync_standby', message, isOver: !isSynchronous });
  }
}
