// The people of the shop and what they order, made up from a seed: the same seed gives the same shop on every machine.
import type { Random } from '../test/support/random/prng.ts';
import * as words from './words.ts';

/** A row by column names, as it is written to the source. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

export interface Person {
  readonly first: string;
  readonly last: string;
}

export function person(random: Random): Person {
  const last = random.pick(words.surnameBeginnings) + random.pick(words.surnameEndings);
  return { first: random.pick(words.firstNames), last };
}

export function customer(random: Random, id: number): Row {
  const { first, last } = person(random);
  return {
    customer_id: id,
    first_name: first,
    last_name: last,
    email: `${first}.${last}.${id}@shop.test`.toLowerCase(),
    phone: phone(random),
    tax_number: `TX ${digits(random, 3)}-${digits(random, 6)}`,
    birth_year: random.int(1936, 2006),
    company: random.chance(0.2) ? `${last} & ${person(random).last} Traders` : null,
    ...address(random),
    notes: random.chance(0.5) ? note(random) : null,
    password_hash: `scrypt$${random.hex(32)}`,
  };
}

/** What changes when somebody moves house. */
export function address(random: Random): Row {
  const street = `${random.pick(words.streetBeginnings)} ${random.pick(words.streetEndings)}`;
  const letters = () => 'ABDEFGHJLNPQRSTUWXYZ'[random.int(0, 19)]!;
  return {
    street: `${random.int(1, 240)} ${street}`,
    postcode: `${letters()}${letters()}${random.int(1, 9)} ${random.int(1, 9)}${letters()}${letters()}`,
    city: random.pick(words.cities),
  };
}

export function phone(random: Random): string {
  return `+49 1555 ${digits(random, 7)}`;
}

export function note(random: Random): string {
  const { first, last } = person(random);
  return `${random.pick(words.notes)} ${first} ${last}`;
}

export function product(random: Random, id: number): Row {
  const description = Array.from({ length: 120 }, () => random.pick(words.phrases)).join('; ');
  return {
    product_id: id,
    name: `${random.pick(words.materials)} ${random.pick(words.wares)} no. ${id}`,
    description,
    price: price(random),
    purchase_price: Number(price(random)),
    supplier: `${person(random).last} Workshops`,
  };
}

/** An order of a customer's, shipped to them or, as a present, to somebody else. */
export function order(random: Random, id: number, customer: Row): Row {
  const present = random.chance(0.15);
  const to = present ? person(random) : { first: customer.first_name, last: customer.last_name };
  return {
    order_id: id,
    customer_id: customer.customer_id!,
    status: 'placed',
    ship_to: `${to.first} ${to.last}`,
    ship_street: present ? address(random).street! : customer.street!,
    contact_email: customer.email!,
    card_number: `4000 ${digits(random, 4)} ${digits(random, 4)} ${digits(random, 4)}`,
    gift_message: present ? `${random.pick(words.wishes)} ${to.first} ${to.last}` : null,
    client_ip: `198.51.${random.int(100, 199)}.${random.int(100, 254)}`,
  };
}

export function orderLine(random: Random, orderId: number, line: number, products: number): Row {
  const { first, last } = person(random);
  return {
    order_id: orderId,
    line,
    product_id: random.int(1, products),
    quantity: random.int(1, 5),
    price: price(random),
    engraving: random.chance(0.1) ? `for ${first} ${last}` : null,
  };
}

export function price(random: Random): string {
  return (random.int(300, 30_000) / 100).toFixed(2);
}

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.int(0, 9)).join('');
}
