// Package pgcopy moves rows between PostgreSQL's binary COPY and Parquet files: exactly, in bounded memory, with
// nothing between the wire and the file but DuckDB's vectors. Connections, transactions and what is moved when are
// for the warehouse driver.
package pgcopy
