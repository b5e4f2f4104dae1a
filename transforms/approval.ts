import { hash } from 'node:crypto';
import type { TableEntry } from '../src/core/checkpoint.ts';
import type { Approval } from '../src/core/redactor.ts';
import { shapeOf, type Table } from '../src/core/table.ts';
import type { Bound, Move } from './binding.ts';

/** Hex digits that a person copies from a message. */
const HASH_LENGTH = 16;

/**
 * The approval of a definition whose names have moved. The hash is also of the binding that it departs from: each approval makes another
 * one, so that what was approved once never counts again, also when the same names move to and fro.
 */
export function approvalOf(table: Table<'raw'>, { moved, binding }: Bound): Approval {
  const { oid, name } = table;
  const text = JSON.stringify([name, oid, shapeOf(table), binding.number]);
  return {
    hash: hash('sha256', text).slice(0, HASH_LENGTH),
    moved: moved.map(inWords).join(', '),
  };
}

/** Whether a person approved this definition and no other. */
export function isApproved({ hash }: Approval, entry: TableEntry | undefined): boolean {
  return entry?.order.approved === hash;
}

function inWords({ what, from, to }: Move): string {
  return `${from === null ? 'a column that was generated' : `the ${what} ${from}`} is now called ${to}`;
}
