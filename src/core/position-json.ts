import type { Position } from './checkpoint.ts';
import { formatLsn, parseLsn } from './lsn.ts';
import { assertForm, isInteger, isNullOr, isObjectOf, isText } from './stored.ts';

/** A position as JSON has it: LSNs as Postgres writes them, times as texts, since both have 64 bits. The form is part of CHECKPOINT_FORMAT. */
export interface StoredPosition extends Pick<Position, 'history'> {
  readonly pos: string;
  readonly witness: { readonly clsn: string; readonly xid: number; readonly commitTime: string } | null;
}

export function storedPosition({ pos, witness, history }: Position): StoredPosition {
  const { clsn, xid, commitTime } = witness ?? {};
  return {
    pos: formatLsn(pos),
    witness: witness && { clsn: formatLsn(clsn!), xid: xid!, commitTime: String(commitTime) },
    history,
  };
}

/** Throws where it is none. */
export function positionOf(stored: StoredPosition): Position {
  assertForm(stored, isPosition);
  const { pos, witness, history } = stored;
  return {
    pos: parseLsn(pos),
    witness: witness && {
      clsn: parseLsn(witness.clsn),
      xid: witness.xid,
      commitTime: BigInt(witness.commitTime),
    },
    history,
  };
}

const isPosition = isObjectOf({
  pos: isText,
  witness: isNullOr(isObjectOf({ clsn: isText, xid: isInteger, commitTime: isText })),
  history: isObjectOf({ systemIdentifier: isText, timeline: isInteger, databaseOid: isInteger, slot: isText }),
});
