"""Runs a query over a table's files with DuckDB for Python: latest.py URL STORAGE_OPTIONS_AS_JSON VERSION QUERY, where the files are `lake`."""
import json
import os
import sys

import deltalake
import duckdb

url, options, version, query = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], sys.argv[4]
delta = deltalake.DeltaTable(url, version=int(version) if version else None, storage_options=options)
lake = delta.to_pyarrow_dataset().to_table()
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
rows = connection.execute(query).fetchall()
shown = [[None if value is None else str(value) for value in row] for row in rows]
print(json.dumps({"version": delta.version(), "rows": lake.num_rows, "latest": shown}), flush=True)
# Threads of the readers' own may still run, and at the interpreter's usual end one of them now and then aborts the process.
os._exit(0)
