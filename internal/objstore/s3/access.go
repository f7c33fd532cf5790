package s3

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hindcast/hindcast"
)

// Access is how other programs reach the store's bucket as this one does.
type Access struct {
	Bucket    string
	Endpoint  string // https://host:port; "" is Amazon's for the region
	Region    string
	PathStyle bool
	SSE       string // as in the lake's URL
	SSEKey    string
}

// Access says how the bucket is reached, after the server was asked for something: it may have named the region.
func (s *Store) Access() Access {
	o := s.client.Load().Options()
	a := Access{Bucket: s.options.bucket, Region: o.Region, PathStyle: o.UsePathStyle, SSE: string(s.options.encryption), SSEKey: s.options.kmsKey}
	if o.BaseEndpoint != nil {
		a.Endpoint = *o.BaseEndpoint
	}
	return a
}

// Keys are what requests are signed with.
type Keys struct {
	ID, Secret, Token string
	Expire            time.Time // zero if they do not
}

// Keys are those of now, from where the AWS tools look for them.
func (s *Store) Keys(ctx context.Context) (Keys, error) {
	found, err := s.config.Credentials.Retrieve(ctx)
	if err != nil {
		return Keys{}, &hindcast.Error{Code: hindcast.ECredentials, Class: hindcast.ClassPermanent, Cause: err,
			Message: "there are no AWS credentials: " + err.Error(), Next: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"}
	}
	k := Keys{ID: found.AccessKeyID, Secret: found.SecretAccessKey, Token: found.SessionToken}
	if found.CanExpire {
		k.Expire = found.Expires
	}
	return k, nil
}

// Region asks where the bucket is. It is known, beside the error, where the server says it while it refuses to say more; "" if it does not say it.
func (s *Store) Region(ctx context.Context) (region string, err error) {
	r := request{action: "s3:ListBucket"}
	err = s.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		out, err := c.HeadBucket(ctx, &awss3.HeadBucketInput{Bucket: &s.options.bucket})
		if err != nil {
			region = answerOf(err).region
			if answerOf(err).status == http.StatusNotFound { // an answer to HEAD has no body that says of what
				return &answerError{answer{status: http.StatusNotFound, code: codeNoBucket, message: "there is no such bucket"}}
			}
			return err
		}
		region = aws.ToString(out.BucketRegion)
		return nil
	})
	return region, s.fail(r, err)
}
