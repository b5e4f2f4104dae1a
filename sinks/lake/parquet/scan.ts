import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBTableFunction,
  type DuckDBType,
  INTEGER,
} from '@duckdb/node-api';

/** Rows that DuckDB reads as if they were a table, chunk by chunk as it wants them: between two chunks the event loop is free. */
export interface Scan {
  readonly fields: readonly { readonly name: string; readonly duck: DuckDBType }[];
  /** Fills a chunk with the next rows; with none when there are no more. */
  fill(chunk: DuckDBDataChunk): void;
}

/** What scans are there, of one DuckDB. */
export class Scans {
  readonly #scans = new Map<number, Scan>();
  #last = 0;

  register(connection: DuckDBConnection): void {
    const scanOf = (data: object | undefined) => data as Scan;
    connection.registerTableFunction(
      DuckDBTableFunction.create({
        name: 'scan',
        parameterTypes: [INTEGER],
        bindFunction: (info) => {
          const scan = this.#scans.get(info.getParameter(0) as number)!;
          for (const { name, duck } of scan.fields) info.addResultColumn(name, duck);
          info.setBindData(scan);
        },
        initFunction: () => {},
        mainFunction: (info, chunk) => scanOf(info.bindData).fill(chunk),
      }),
    );
  }

  /** Runs `work` with the SQL for `scan` as a table. */
  async with<T>(scan: Scan, work: (sql: string) => Promise<T>): Promise<T> {
    const id = ++this.#last;
    this.#scans.set(id, scan);
    try {
      return await work(`scan(${id})`);
    } finally {
      this.#scans.delete(id);
    }
  }
}
