import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Port } from '../../../src/app/port.ts';
import { until } from '../../support/wait.ts';

test('an instance that is slow to answer is not taken for a stranger: the port is waited for', async (context) => {
  const before = createServer(async (_, response) => {
    await sleep(3_000);
    response.end(JSON.stringify({ name: 'shop', tables: {}, sinks: {} }));
  });
  context.after(() => before.close());
  before.listen(0, '127.0.0.1');
  await once(before, 'listening');
  const { port } = before.address() as AddressInfo;
  const takenOver = Promise.withResolvers<void>();
  let bound: number | null = null;
  const listening = (at: number) => {
    bound = at;
  };
  const claim = { server: createServer(), address: { host: '127.0.0.1', port }, name: 'shop', listening };
  using _ = await Port.open({ ...claim, takenOver: takenOver.promise });
  assert.equal(bound, null);
  before.close();
  before.closeAllConnections();
  takenOver.resolve();
  await until(() => bound !== null, { what: 'the port to be taken over' });
  assert.equal(bound, port);
});
