import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverError } from '../../../../connectors/postgres/stream/server-message.ts';

/** An ErrorResponse's fields, a letter before each. */
function said(...fields: string[]) {
  const bytes = Buffer.from(`${fields.join('\0')}\0\0`);
  return serverError(bytes, 0, bytes.length);
}

const WHERE = 'slot "veil", output plugin "pgoutput", in the change callback, associated LSN';

test('a change that is too large for the server to send needs a person, and says where it lies', () => {
  const large = said('SERROR', 'CXX000', 'Minvalid memory alloc request size 1132462085', `W${WHERE} 1A/16B3748`);
  assert.equal(large.code, 'change_too_large');
  assert.match(large.message, /size 1132462085: the change at 1A\/16B3748 cannot be sent/);
  assert.equal(large.kind.retry, 'person');
  const limit = said('SFEHLER', 'C54000', 'Mkein Speicher mehr', 'WSlot »veil«, zugehörige LSN 0/FF');
  assert.equal(limit.code, 'change_too_large');
  assert.match(limit.message, /at 0\/FF/);
  const nowhere = said('SERROR', 'C54000', 'Mout of memory');
  assert.match(nowhere.message, /a change cannot be sent/);
});

test('what else a walsender fails with is not taken for a change that is too large, and told without its words', () => {
  const other = said('SERROR', 'CXX000', 'Mcould not find "ann@example.com"', `W${WHERE} 1A/16B3748`);
  assert.deepEqual([other.code, other.message], ['source_failed', 'source: SQLSTATE XX000']);
  const memory = said('SERROR', 'C53200', 'Mout of memory');
  assert.equal(memory.code, 'source_failed', 'which may pass');
});

test('a slot that is not there, or not free, is told as what it is', () => {
  assert.equal(said('C42704', 'Mreplication slot "veil" does not exist').code, 'slot_lost');
  assert.equal(said('C55006', 'Mreplication slot "veil" is active for PID 7').code, 'slot_in_use');
});
