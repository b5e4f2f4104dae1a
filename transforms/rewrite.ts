import { constants } from 'node:buffer';
import { type ByteWriter, writeText } from '../src/core/bytes.ts';
import { CELL_NULL, CELL_TEXT, CELL_UNCHANGED, type Tuple } from '../src/core/tuple.ts';
import type { Plan } from './plan.ts';

/** What is done at one column; those in between are copied as they are. */
interface Step {
  readonly column: number;
  readonly kind: 'drop' | 'null' | 'rule';
  readonly rewrite: (value: string) => string | null;
  readonly keepsNull: boolean;
  readonly isKey: boolean;
}

/** Rewrites the tuples of one table definition by its plan: runs of untouched cells in one copy, decoding only what has a rule. */
export class TupleRewriter {
  readonly #columns: number;
  readonly #leaving: number;
  readonly #steps: readonly Step[];
  readonly #onWithheld: (column: number) => void;

  /** `key` are the indices of the key's columns; `onWithheld` is told the index of each column whose rule failed on a cell. */
  constructor({ actions }: Plan, key: readonly number[], onWithheld: (column: number) => void) {
    this.#columns = actions.length;
    this.#leaving = actions.filter(({ kind }) => kind !== 'drop').length;
    this.#onWithheld = onWithheld;
    this.#steps = actions.flatMap((action, column): Step[] => {
      const isKey = key.includes(column);
      if (action.kind === 'keep') return [];
      if (action.kind === 'rule') return [{ column, isKey, ...action }];
      return [{ column, isKey, kind: action.kind, rewrite: () => null, keepsNull: true }];
    });
  }

  /**
   * Appends the redacted tuple to `out` and returns it; null where the rule of a key column failed. `isKeyOnly`: the tuple is an
   * old key, whose other cells are NULL and mean nothing.
   */
  rewrite({ bytes, start, end }: Tuple<'raw'>, isKeyOnly: boolean, out: ByteWriter): Tuple<'redacted'> | null {
    // A tuple of another definition would be cut at the wrong columns.
    if (bytes.readUInt16BE(start) !== this.#columns) throw new Error('a tuple does not have the columns of its table');
    const begin = out.length;
    out.uint16(this.#leaving);
    let run = start + 2;
    let at = run;
    let column = 0;
    for (const step of this.#steps) {
      for (; column < step.column; column++) at = cellEnd(bytes, at);
      if (at > run) out.copy(bytes, run, at);
      run = cellEnd(bytes, at);
      if (step.kind === 'null') out.byte(CELL_NULL);
      else if (step.kind === 'rule' && !this.#rule(step, bytes, at, run, isKeyOnly, out)) return null;
      at = run;
      column++;
    }
    if (end > run) out.copy(bytes, run, end);
    return { bytes: out.bytes, start: begin, end: out.length };
  }

  #rule(step: Step, bytes: Buffer, at: number, end: number, isKeyOnly: boolean, out: ByteWriter): boolean {
    const kind = bytes[at]!;
    if (kind === CELL_UNCHANGED || (kind === CELL_NULL && (step.keepsNull || isKeyOnly))) {
      out.byte(kind);
      return true;
    }
    const result = kind === CELL_TEXT ? rewriteText(step, bytes, at + 5, end) : step.rewrite('');
    if (result === null) {
      this.#onWithheld(step.column);
      out.byte(CELL_NULL);
      return !step.isKey;
    }
    writeCell(result, out);
    return true;
  }
}

function rewriteText(step: Step, bytes: Buffer, start: number, end: number): string | null {
  // Longer than any string can be, so no rule can see it.
  if (end - start > constants.MAX_STRING_LENGTH) return null;
  return step.rewrite(bytes.toString('utf8', start, end));
}

/** One reservation for the whole cell instead of one for each of its parts; not three times the size of a large one. */
function writeCell(text: string, out: ByteWriter): void {
  out.reserve(5 + (text.length < 1024 ? text.length * 3 : Buffer.byteLength(text)));
  const at = out.length;
  out.length = writeText(out.bytes, at + 5, text);
  out.bytes[at] = CELL_TEXT;
  out.bytes.writeUInt32BE(out.length - at - 5, at + 1);
}

/** Behind the cell that begins at `at`. */
function cellEnd(bytes: Buffer, at: number): number {
  return bytes[at] === CELL_TEXT ? at + 5 + bytes.readUInt32BE(at + 1) : at + 1;
}
