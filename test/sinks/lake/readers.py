"""Prints what three readers make of a lake's table: readers.py URL FOLDER STORAGE_OPTIONS_AS_JSON (FOLDER may be empty)."""
import decimal
import json
import math
import os
import sys

import deltalake
import duckdb
import pyarrow
import pyarrow.parquet

url, folder, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return [list(pair) for pair in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return str(value)


def by_sequence(rows):
    shown = [{name: plain(value) for name, value in row.items() if name != "_date"} for row in rows]
    return sorted(shown, key=lambda row: row["_seq"])


def of_arrow(table):
    return by_sequence(table.to_pylist())


delta = deltalake.DeltaTable(url, storage_options=options)
dataset = delta.to_pyarrow_dataset()
adds = pyarrow.table(delta.get_add_actions(flatten=True)).to_pylist()
files = [f"{folder}/{add['path']}" for add in adds] if folder else []
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
found = {
    "version": delta.version(),
    "types": {field.name: str(field.type) for field in dataset.schema},
    "dates": sorted({str(day) for day in dataset.to_table().column("_date").to_pylist()}),
    "stats": [
        {name: plain(value) for name, value in add.items() if name.startswith(("num_records", "min", "max", "null_count"))}
        for add in adds
    ],
    "deltalake": of_arrow(dataset.to_table()),
    "pyarrow": of_arrow(pyarrow.concat_tables([pyarrow.parquet.ParquetFile(file).read() for file in files])) if files else None,
    "duckdb": None,
}
if files:
    found["duckdb"] = of_arrow(connection.execute("SELECT * FROM read_parquet(?)", [files]).to_arrow_table())
print(json.dumps(found), flush=True)
# Threads of the readers' own may still run, and at the interpreter's usual end one of them now and then aborts the process.
os._exit(0)
