"""Writes the Parquet files of this folder with pyarrow 26: page indexes, data pages of version 2 and bloom filters in
places where DuckDB's writer puts none. Run here, once."""
import pyarrow as pa
import pyarrow.parquet as pq

n = 1500
table = pa.table({
    "id": pa.array(range(n), pa.int64()),
    "g": pa.array([f"g{i % 7}" for i in range(n)]),
    "s": pa.array([{"x": i, "y": [i, i + 1]} for i in range(n)]),
    "r": pa.array([(i * 7919 % 10007) / 3 for i in range(n)], pa.float64()),
    "n": pa.array([None if i % 3 else i for i in range(n)], pa.int32()),
})
common = {"row_group_size": 500, "data_page_size": 1024, "write_page_index": True}
pq.write_table(table, "indexed.parquet", compression="zstd", bloom_filter_options={"id": {"ndv": 500}, "g": True}, **common)
pq.write_table(table, "pages-v2.parquet", compression="gzip", data_page_version="2.0", use_dictionary=False, **common)
