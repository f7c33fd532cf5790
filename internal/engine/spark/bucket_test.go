package spark_test

import (
	"testing"

	"github.com/hindcast/hindcast/internal/engine/enginetest"
	"github.com/hindcast/hindcast/internal/engine/spark"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/sparktest"
)

// newObjects makes a bucket, and has the installation's cluster reach it.
func newObjects(t *testing.T, name string, i *installation) *enginetest.Objects {
	t.Helper()
	o := enginetest.NewObjects(t)
	i.Ivy = sparktest.S3A(t, name)
	i.Bucket = &spark.Bucket{Name: o.Bucket, Endpoint: o.Server.Endpoint, Region: s3test.Region, PathStyle: true, Hadoop: i.Home.Hadoop,
		Package: "org.apache.hadoop:hadoop-aws:" + i.Home.Hadoop, Keys: spark.Keys{ID: o.Server.ID, Secret: o.Server.Secret}}
	return o
}
