import type { ClientBase } from 'pg';
import type { Change } from '../../src/core/batch.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import { CELL_TEXT, CELL_UNCHANGED, CellReader } from '../../src/core/tuple.ts';
import type { Image, Window } from './fold.ts';
import { KeyText, textOf } from './key.ts';
import { copyLines } from './lines.ts';
import { query } from './query.ts';
import { refusal, rowMissing } from './refusal.ts';
import type { Stage } from './stage.ts';
import { columnList, type TwinTable } from './twin-table.ts';

/**
 * Applies a window in the open transaction. New rows come first: what happened to them later is among the staged. Deletes come
 * before upserts: two keys may be equal and differ as text. Returns how many rows the twin should have had and did not.
 */
export async function applyWindow(client: ClientBase, window: Window, stage: Stage): Promise<number> {
  const { table } = window;
  const { gone, full, partial } = sort(window);
  try {
    if (window.fresh.length > 0) await copyLines(client, table, table.generation, window.fresh.view());
    if (gone.length > 0) await deleteRows(client, table, gone);
    let repaired = 0;
    if (full.length > 0) repaired = await upsertRows(client, table, await stage.fill(table, gather(window, full)));
    for (const images of partial.values()) {
      await patchRows(client, table, await stage.fill(table, gather(window, images)), images);
    }
    return repaired;
  } catch (error) {
    throw refusal(error, table.source.name);
  }
}

/** Moves a row to another key within the twin, since a part of it was not sent and is nowhere else. */
export async function moveRow(client: ClientBase, table: TwinTable, change: Change<'redacted'>): Promise<void> {
  const { names, values, key, oldKey } = sentValues(table, change);
  const set = names.map((name, index) => `${name} = $${index + 3}`);
  const sql = `UPDATE ${table.generation} SET ${[...set, `${table.key.name} = $2`].join(', ')} WHERE ${table.key.name} = $1`;
  try {
    const { rowCount } = await query(client, sql, [oldKey, key, ...values]);
    if (rowCount !== 1) throw rowMissing(table.source.name);
  } catch (error) {
    throw refusal(error, table.source.name);
  }
}

/** Staged rows by what has to be done with them; partial ones by the columns that they lack, as one statement serves each such set. */
function sort(window: Window) {
  const gone: string[] = [];
  const full: Image[] = [];
  const partial = new Map<string, Image[]>();
  for (const [key, image] of window.staged) {
    if (image === null) gone.push(textOf(key));
    else if (image.unchanged.length === 0) full.push(image);
    else {
      const lacking = image.unchanged.join();
      const group = partial.get(lacking);
      if (group) group.push(image);
      else partial.set(lacking, [image]);
    }
  }
  return { gone, full, partial };
}

function gather(window: Window, images: readonly Image[]): Buffer {
  const lines = new ByteWriter(images.reduce((bytes, { start, end }) => bytes + end - start, 0));
  for (const { start, end } of images) lines.copy(window.images.bytes, start, end);
  return lines.view();
}

async function deleteRows(client: ClientBase, table: TwinTable, keys: readonly string[]): Promise<void> {
  const { name, type } = table.key;
  await query(client, `DELETE FROM ${table.generation} WHERE ${name} = ANY ($1::${type}[])`, [keys]);
}

/** The key's own column is set too where an equal key may have another text. */
async function upsertRows(client: ClientBase, table: TwinTable, stage: string): Promise<number> {
  const columns = columnList(table);
  const set = changing(table).map((name) => `${name} = excluded.${name}`);
  const { rows } = await query(
    client,
    `WITH written AS (
       INSERT INTO ${table.generation} (${columns}) SELECT ${columns} FROM ${stage}
       ON CONFLICT (${table.key.name}) DO UPDATE SET ${set.join(', ')} RETURNING xmax = 0 AS is_new
     ) SELECT count(*) FILTER (WHERE is_new) AS new FROM written`,
  );
  return Number(rows[0]!.new);
}

async function patchRows(client: ClientBase, table: TwinTable, stage: string, images: readonly Image[]): Promise<void> {
  const lacking = images[0]!.unchanged.map((column) => table.columns[column]!.name);
  const set = changing(table).filter((name) => !lacking.includes(name));
  const { rowCount } = await query(
    client,
    `UPDATE ${table.generation} AS twin SET ${set.map((name) => `${name} = stage.${name}`).join(', ')}
     FROM ${stage} AS stage WHERE twin.${table.key.name} = stage.${table.key.name}`,
  );
  if (rowCount !== images.length) throw rowMissing(table.source.name);
}

function changing(table: TwinTable): string[] {
  const names = table.columns.map(({ name }) => name);
  return table.keyByValue ? [...names, table.key.name] : names;
}

/** The columns that an update carries, with their values, and the keys before and after. */
function sentValues(table: TwinTable, change: Change<'redacted'>) {
  const names: string[] = [];
  const values: (string | null)[] = [];
  const cells = new CellReader();
  const count = cells.open(change.after!);
  for (let column = 0; column < count; column++) {
    cells.next();
    if (cells.kind === CELL_UNCHANGED) continue;
    names.push(table.columns[column]!.name);
    values.push(cells.kind === CELL_TEXT ? cells.bytes.toString('utf8', cells.start, cells.end) : null);
  }
  const key = new KeyText(table.source, table.keyByValue);
  key.read(change.before!);
  const oldKey = key.toString();
  key.read(change.after!);
  return { names, values, oldKey, key: key.toString() };
}
