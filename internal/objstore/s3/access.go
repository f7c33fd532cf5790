package s3

import (
	"context"
	"time"

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
