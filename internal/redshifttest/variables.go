//go:build unix

package redshifttest

import (
	"fmt"
	"strings"

	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// Variables are what a shell needs to know, to reach a stand-in and its S3 server with a lake in the bucket.
func Variables(s *Server, s3 *s3test.Server, bucket string) string {
	var b strings.Builder
	for _, v := range [][2]string{
		{"AWS_ACCESS_KEY_ID", s3.ID}, {"AWS_SECRET_ACCESS_KEY", s3.Secret}, {"AWS_DEFAULT_REGION", s3test.Region},
		{"S3", s3.Endpoint}, {"AWS_ENDPOINT_URL_S3", s3.Endpoint},
		{"LAKE", s3test.URL(s3.Endpoint, bucket, "lake").String()},
		{"PGPASSWORD", pgtest.Password},
		{"WAREHOUSE", fmt.Sprintf("redshift://%s:${PGPASSWORD}@%s/%s", pgtest.User, s.Address(), s.Name)},
		{"ROLE", Role},
		{"BEHIND", s.Backend()},
	} {
		fmt.Fprintf(&b, "export %s='%s'\n", v[0], v[1])
	}
	return b.String()
}
