// A day at the shop, faster: people register, order, move house, are written about, and ask to be forgotten.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../test/support/random/prng.ts';
import type { Ledger } from './ledger.ts';
import * as people from './people.ts';
import { CUSTOMERS, ORDERS, PRODUCTS } from './shop.ts';

const TRANSACTIONS_PER_SECOND = 80;
const REMEMBERED = 20;

/** One committed transaction, in the words of the view. */
export interface Change {
  readonly at: Date;
  /** Such as `UPDATE customer 812`. */
  readonly statement: string;
  readonly story: string;
  /** Whose row in `customer` it changed, if it did and the row is still there. */
  readonly customer: number | null;
}

type Told = Omit<Change, 'at'>;

/** How often what happens. */
const EVENTS = {
  order: 30,
  ship: 24,
  moveHouse: 12,
  writeNote: 12,
  register: 12,
  changePrice: 6,
  cancel: 3,
  forget: 1,
} as const;

export class Writer {
  /** The last committed transactions, the newest first. */
  readonly recent: Change[] = [];
  readonly #ledger: Ledger;
  readonly #random: Random;
  #customers = CUSTOMERS;
  #orders = ORDERS;

  constructor(ledger: Ledger, random: Random) {
    this.#ledger = ledger;
    this.#random = random;
  }

  get changes(): number {
    return this.#ledger.changes;
  }

  /** Writes at a steady rate until the signal, and ends between two transactions. */
  async run(signal: AbortSignal): Promise<void> {
    for (let due = performance.now(); !signal.aborted; due += 1_000 / TRANSACTIONS_PER_SECOND) {
      const early = due - performance.now();
      // A stall is not made up for: a thousand transactions at once are no shop.
      if (early < -1_000) due = performance.now();
      if (early > 0) await sleep(early);
      const told = await this.#ledger.transaction(() => this[this.#random.weighted(EVENTS)]());
      this.recent.unshift({ at: new Date(), ...told });
      this.recent.length = Math.min(this.recent.length, REMEMBERED);
    }
  }

  async order(): Promise<Told> {
    const customer = await this.#someCustomer();
    const id = ++this.#orders;
    const lines = this.#random.int(1, 4);
    await this.#ledger.insert('orders', people.order(this.#random, id, customer));
    for (let line = 1; line <= lines; line++) {
      await this.#ledger.insert('order_line', people.orderLine(this.#random, id, line, PRODUCTS));
    }
    return {
      statement: `INSERT orders ${id}`,
      story: `an order of ${lines} ${lines === 1 ? 'line' : 'lines'}`,
      customer: null,
    };
  }

  async ship(): Promise<Told> {
    const order = await this.#someOrder();
    const status = order.status === 'placed' ? 'shipped' : 'delivered';
    await this.#ledger.update('orders', { status }, 'order_id = $1', [order.order_id]);
    return { statement: `UPDATE orders ${order.order_id}`, story: status, customer: null };
  }

  async moveHouse(): Promise<Told> {
    const address = people.address(this.#random);
    return await this.#changeCustomer({ ...address, phone: people.phone(this.#random) }, 'moved house');
  }

  async writeNote(): Promise<Told> {
    return await this.#changeCustomer({ notes: people.note(this.#random) }, 'a note about them');
  }

  async register(): Promise<Told> {
    const id = ++this.#customers;
    await this.#ledger.insert('customer', people.customer(this.#random, id));
    return { statement: `INSERT customer ${id}`, story: 'registered', customer: id };
  }

  async changePrice(): Promise<Told> {
    const id = this.#random.int(1, PRODUCTS);
    await this.#ledger.update('product', { price: people.price(this.#random) }, 'product_id = $1', [id]);
    return { statement: `UPDATE product ${id}`, story: 'another price', customer: null };
  }

  async cancel(): Promise<Told> {
    const order = await this.#someOrder();
    await this.#ledger.delete('order_line', 'order_id = $1', [order.order_id]);
    await this.#ledger.delete('orders', 'order_id = $1', [order.order_id]);
    return { statement: `DELETE orders ${order.order_id}`, story: 'cancelled', customer: null };
  }

  async forget(): Promise<Told> {
    const customer = await this.#someCustomer();
    const theirs = 'order_id IN (SELECT order_id FROM orders WHERE customer_id = $1)';
    const id = customer.customer_id;
    await this.#ledger.delete('order_line', theirs, [id]);
    const orders = await this.#ledger.delete('orders', 'customer_id = $1', [id]);
    await this.#ledger.delete('customer', 'customer_id = $1', [id]);
    return {
      statement: `DELETE customer ${id}`,
      story: `wants to be forgotten; orders gone with it: ${orders}`,
      customer: null,
    };
  }

  async #changeCustomer(columns: people.Row, story: string): Promise<Told> {
    const customer = await this.#someCustomer();
    const id = Number(customer.customer_id);
    await this.#ledger.update('customer', columns, 'customer_id = $1', [id]);
    return { statement: `UPDATE customer ${id}`, story, customer: id };
  }

  async #someCustomer(): Promise<people.Row> {
    return await this.#ledger.rowFrom('customer', 'customer_id', this.#random.int(1, this.#customers));
  }

  async #someOrder(): Promise<people.Row> {
    return await this.#ledger.rowFrom('orders', 'order_id', this.#random.int(1, this.#orders));
  }
}
