"""Writes the Parquet files of this folder, with values that DuckDB's own writer does not write. Run here, once, with
pyarrow 26 and polars 2.1."""
import decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

one = 1700000000123456789
zoned = pa.timestamp("ns", tz="UTC")
pq.write_table(pa.table({
    "id": pa.array([1], pa.int64()),
    "zoned": pa.array([one], zoned),
    "inner": pa.array([{"zoned": one}], pa.struct([("zoned", zoned)])),
    "plain": pa.array([one], pa.timestamp("ns")),
    "clock": pa.array([1234567891], pa.time64("ns")),
    "nothing": pa.array([None], pa.null()),
}), "nanoseconds.parquet")
pq.write_table(pa.table({
    "id": pa.array([1], pa.int64()),
    "wide": pa.array([decimal.Decimal("1.500")], pa.decimal256(50, 3)),
    "list": pa.array([[decimal.Decimal("1.5")]], pa.list_(pa.decimal256(45, 2))),
}), "decimal256.parquet")
int96 = pa.table({"at": pa.array([one], pa.timestamp("ns"))})
pq.write_table(int96, "int96.parquet", use_deprecated_int96_timestamps=True)
pq.write_table(int96.replace_schema_metadata({"org.apache.spark.version": "3.5.0"}), "int96-spark.parquet", use_deprecated_int96_timestamps=True)
pl.DataFrame({"id": [1], "big": pl.Series([2**126], dtype=pl.Int128)}).write_parquet("int128.parquet")
pq.write_table(pa.table({"id": pa.array([1], pa.int64()), "key": pa.array([b"0123456789abcdef"], pa.binary(16))}), "binary16.parquet")


def named(file, names, *values):
    pq.write_table(pa.Table.from_arrays([pa.array([v]) for v in values], names=names), file)


named("case.parquet", ["t", "Id", "id"], 1, 2, 3)
named("case-renamed.parquet", ["t", "id", "id", "id_1"], 1, 2, 3, 4)
both = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["Id", "id"])
pq.write_table(pa.Table.from_arrays([pa.array([1]), both, pa.ListArray.from_arrays([0, 1], both), pa.array([{"id": 1}])],
                                    names=["id", "inner", "list", "fine"]), "case-inside.parquet")
