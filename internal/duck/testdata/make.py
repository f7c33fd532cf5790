"""Writes the Parquet files of this folder with pyarrow 26, whose statistics leave NaN out. Run here, once."""
import pyarrow as pa
import pyarrow.parquet as pq

scores = [1.0, float("nan"), 3.0]
pq.write_table(pa.table({
    "score": pa.array(scores, pa.float64()),
    "inner": pa.array([{"score": s} for s in scores], pa.struct([("score", pa.float32())])),
}), "nan.parquet")
