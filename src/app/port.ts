import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { PgveilError } from '../core/errors.ts';
import { type Address, listen } from './http.ts';
import { askRunning } from './running.ts';

/** How long the instance before may take to close its port once it has let go of the pipeline. */
const HANDOVER_MS = 10_000;
const RETRY_MS = 200;

/**
 * Listens at once where the port is free. False where another instance of the same pipeline holds it: this one binds it
 * when it takes over. Rejects with `cannot_listen` where a stranger does.
 */
export async function bindNow(server: Server, address: Address, name: string): Promise<boolean> {
  try {
    await listen(server, address);
    return true;
  } catch {
    if (await askRunning(address, name)) return false;
    // It may have been the instance before, which ended just now.
    await listen(server, address);
    return true;
  }
}

/** Listens once this instance has taken over; rejects with `cannot_listen` when the port is not free soon after. */
export async function bindAfter(takenOver: Promise<void>, server: Server, address: Address): Promise<void> {
  await takenOver;
  const deadline = performance.now() + HANDOVER_MS;
  for (;;) {
    try {
      await listen(server, address);
      return;
    } catch (error) {
      if (!(error instanceof PgveilError) || performance.now() > deadline) throw error;
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }
}
