import { PgveilError } from '../core/errors.ts';
import { type Approval, NO_ORDERS, type Orders } from '../core/redactor.ts';

/** What a person asks of a running pipeline. */
export interface Command {
  /** Tables to be copied anew. */
  readonly recopy: readonly string[];
  /** Definitions whose names have moved, each by its hash. */
  readonly approve: readonly { readonly table: string; readonly hash: string }[];
}

/** Who does it: a session. */
export interface Clerk {
  /** Resolves when what was asked for is durable in every sink. Rejects with `approve_refused` for a definition that is not the present one. */
  take(command: Command): Promise<void>;
  /** What of the table is to be approved. Rejects with `approve_refused` where nothing is. */
  approval(table: string): Promise<Approval>;
}

/** Where people ask for something: with the command line of the start, and at the session that runs. */
export class Desk {
  readonly orders: Orders;
  #clerk: Clerk | null = null;
  /** Those of sinks that read by themselves. */
  readonly #beside = new Set<Desk>();

  constructor(orders: Orders = NO_ORDERS) {
    this.orders = orders;
  }

  open(clerk: Clerk): void {
    this.#clerk = clerk;
  }

  close(): void {
    this.#clerk = null;
  }

  /** One for a sink that reads by itself: it is asked for the same, until it is forgotten. */
  beside(): Desk {
    const desk = new Desk(this.orders);
    this.#beside.add(desk);
    return desk;
  }

  forget(desk: Desk): void {
    this.#beside.delete(desk);
  }

  /** Who does it now. Throws `interrupted` where nobody can. */
  get clerk(): Clerk {
    const clerk = this.#clerk;
    if (!clerk) throw interrupted();
    return { approval: (table) => clerk.approval(table), take: (command) => this.#take(clerk, command) };
  }

  /** What is approved for the others a sink that reads by itself copies from the entries that say so. */
  async #take(clerk: Clerk, command: Command): Promise<void> {
    const others = [...this.#beside].flatMap((desk) => desk.#clerk ?? []);
    const recopy = { ...command, approve: [] };
    await Promise.all([clerk.take(command), ...others.map((other) => other.take(recopy).catch(unlessInterrupted))]);
  }
}

/** What the others recorded holds for a sink whose own session ended meanwhile: its next one finds that it lacks a copy. */
function unlessInterrupted(error: unknown): void {
  if (!(error instanceof PgveilError) || error.code !== 'interrupted') throw error;
}

export function interrupted(): PgveilError {
  return new PgveilError('interrupted', 'the pipeline does not run at the moment, and nothing was recorded');
}
