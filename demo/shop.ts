// The shop's database: its tables, and what is in them before the demo begins.
import type pg from 'pg';
import { Random } from '../test/support/random/prng.ts';
import { customer, order, orderLine, product, type Row } from './people.ts';
import type { RawValues } from './raw-values.ts';

export const CUSTOMERS = 4_000;
export const PRODUCTS = 200;
export const ORDERS = 20_000;

export const schema = `
  CREATE TABLE customer (
    customer_id int PRIMARY KEY,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email varchar(120) NOT NULL UNIQUE,
    phone varchar(40),
    tax_number text,
    birth_year int,
    company text,
    street text,
    postcode varchar(10),
    city text,
    notes text,
    password_hash text,
    registered_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE product (
    product_id int PRIMARY KEY,
    name text NOT NULL,
    description text,
    price numeric(10, 2) NOT NULL,
    purchase_price numeric(10, 2) NOT NULL,
    supplier text
  );
  -- Stored beside the row: a change of the price comes without it, and the twin has to keep what it has.
  ALTER TABLE product ALTER description SET STORAGE EXTERNAL;
  CREATE TABLE orders (
    order_id int PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customer,
    placed_at timestamptz NOT NULL DEFAULT now(),
    status text NOT NULL,
    ship_to text,
    ship_street text,
    contact_email varchar(120),
    card_number text,
    gift_message text,
    client_ip text
  );
  CREATE INDEX orders_of_customer ON orders (customer_id);
  CREATE TABLE order_line (
    order_id int REFERENCES orders,
    line int,
    product_id int NOT NULL REFERENCES product,
    quantity int NOT NULL,
    price numeric(10, 2) NOT NULL,
    engraving text,
    PRIMARY KEY (order_id, line)
  );
  -- One row that the demo counts up: how long each step takes to show in the twin is the lag.
  CREATE TABLE heartbeat (id int PRIMARY KEY, beat int NOT NULL);
  INSERT INTO heartbeat VALUES (1, 0);`;

/** Creates the tables and fills them: the same shop every time. */
export async function openShop(source: pg.ClientBase, raw: RawValues): Promise<void> {
  const random = new Random(1);
  await source.query(schema);
  const customers = numbered(CUSTOMERS, (id) => customer(random, id));
  const orders = numbered(ORDERS, (id) => order(random, id, random.pick(customers)));
  const products = numbered(PRODUCTS, (id) => product(random, id));
  const lines = orders.flatMap(({ order_id }) =>
    numbered(random.int(1, 4), (line) => orderLine(random, Number(order_id), line, PRODUCTS)),
  );
  await fill(source, raw, 'customer', customers);
  await fill(source, raw, 'product', products);
  await fill(source, raw, 'orders', orders);
  await fill(source, raw, 'order_line', lines);
  await source.query('ANALYZE');
}

async function fill(source: pg.ClientBase, raw: RawValues, table: string, rows: readonly Row[]): Promise<void> {
  for (const row of rows) raw.add(table, row);
  const columns = Object.keys(rows[0]!).join(', ');
  const sql = `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(null::${table}, $1)`;
  await source.query(sql, [JSON.stringify(rows)]);
}

function numbered<T>(count: number, make: (number: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at + 1));
}
