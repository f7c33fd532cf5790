// Package chaos proves by SIGKILL that a run survives anything: it contains only tests. Each trial runs the whole
// program over a small warehouse, kills the supervisor, a worker, the warehouse's owner or all of them at random
// instants, continues until the run is done, and then compares everything with a direct query. A trial takes place on a
// site: the embedded default, with DuckDB or Spark; PostgreSQL and S3, or a stand-in for Redshift and S3, with two machines, where
// servers fail as well and runs are taken over. What each component does when it is killed is tested beside that component.
package chaos
