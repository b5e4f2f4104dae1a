import { CELL_UNCHANGED, CellReader, type Tuple } from '../../../src/core/tuple.ts';

type Image = Tuple<'redacted'>;

/** Reads the cells of a row image, one of the table's columns after the other. What was not sent comes from the older image. */
export class FilledCells {
  readonly #cell = new CellReader();
  readonly #from = new CellReader();
  #hasOlder = false;

  /** `older`: the row before the change, where that is a whole one. */
  open(image: Image, older: Image | null): void {
    this.#cell.open(image);
    this.#hasOlder = older !== null;
    if (older) this.#from.open(older);
  }

  /** Holds until the next call. */
  next(): CellReader {
    const [cell, from] = [this.#cell, this.#from];
    cell.next();
    if (!this.#hasOlder) return cell;
    from.next();
    return cell.kind === CELL_UNCHANGED && from.kind !== CELL_UNCHANGED ? from : cell;
  }
}
