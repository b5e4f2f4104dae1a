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

  constructor(orders: Orders = NO_ORDERS) {
    this.orders = orders;
  }

  open(clerk: Clerk): void {
    this.#clerk = clerk;
  }

  close(): void {
    this.#clerk = null;
  }

  /** Who does it now. Throws `interrupted` where nobody can. */
  get clerk(): Clerk {
    if (!this.#clerk) throw interrupted();
    return this.#clerk;
  }
}

export function interrupted(): PgveilError {
  return new PgveilError('interrupted', 'the pipeline does not run at the moment, and nothing was recorded');
}
