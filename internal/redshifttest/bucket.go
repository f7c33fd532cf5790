//go:build unix

package redshifttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/hindcast/hindcast/internal/s3test"
)

// bucket is where a statement writes to or reads from, by the right that the statement names.
type bucket struct {
	client *s3.Client
	name   string
	prefix string
}

// open finds a statement's bucket and right.
func (s *Server) open(url string, a access, region string) (*bucket, *failure) {
	keys := s3test.Keys{ID: a.id, Secret: a.secret}
	switch {
	case a.role != "" && a.role != "default" && a.role != Role:
		return nil, &failure{code: "XX000", message: "User arn:aws:redshift:" + Region + ":123456789012:dbuser:redshift-tests/" + s.Name +
			" is not authorized to assume IAM Role " + a.role}
	case a.role != "":
		keys = s.Keys
	}
	if region != "" && region != Region {
		return nil, &failure{code: "XX000", message: "S3ServiceException:The bucket you are attempting to access must be addressed using the " +
			"specified endpoint. Please send all future requests to this endpoint.,Status 301,Error PermanentRedirect"}
	}

	name, prefix, _ := strings.Cut(strings.TrimPrefix(url, "s3://"), "/")
	client := s3.New(s3.Options{BaseEndpoint: &s.Endpoint, UsePathStyle: true, Region: Region,
		Credentials: credentials.NewStaticCredentialsProvider(keys.ID, keys.Secret, a.session)})
	return &bucket{client: client, name: name, prefix: prefix}, nil
}

// at is the bucket of another URL, by the same right.
func (b *bucket) at(url string) *bucket {
	name, key, _ := strings.Cut(strings.TrimPrefix(url, "s3://"), "/")
	return &bucket{client: b.client, name: name, prefix: key}
}

// prepare makes room for an UNLOAD, or says that there is none.
func (b *bucket) prepare(ctx context.Context, u *unload) *failure {
	if u.over {
		return nil
	}

	found, err := b.list(ctx)
	switch {
	case err != nil:
		return s3Failure(err)
	case len(found) > 0 && !u.clean:
		return &failure{code: "XX000", message: "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, " +
			"manually removing the target files in S3, or using the ALLOWOVERWRITE option."}
	}

	for _, key := range found {
		if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key}); err != nil {
			return s3Failure(err)
		}
	}

	return nil
}

// list lists the keys that begin with the prefix, in order.
func (b *bucket) list(ctx context.Context) (keys []string, err error) {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &b.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
	}

	return keys, nil
}

func (b *bucket) put(ctx context.Context, key string, body []byte, sealed string) error {
	in := &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(body)}
	if sealed != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String(sealed)
	}
	_, err := b.client.PutObject(ctx, in)
	return err
}

// errMissing is of an object that is not there.
var errMissing = errors.New("the object does not exist")

func (b *bucket) get(ctx context.Context, key string) ([]byte, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if missing := new(types.NoSuchKey); errors.As(err, &missing) {
		return nil, errMissing
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Body.Close() }()

	return io.ReadAll(out.Body)
}

// size is an object's length.
func (b *bucket) size(ctx context.Context, key string) (int64, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	if missing := new(types.NotFound); errors.As(err, &missing) {
		return 0, errMissing
	}
	if err != nil {
		return 0, err
	}
	return aws.ToInt64(out.ContentLength), nil
}

// s3Failure is what a cluster says that S3 refuses, in the words that users of Redshift report.
func s3Failure(err error) *failure {
	said, answered := errors.AsType[smithy.APIError](err)
	switch {
	case errors.Is(err, errMissing):
		return &failure{code: "XX000", message: "S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey"}
	case !answered:
		return &failure{code: "XX000", message: "S3CurlException: " + err.Error() + ", CurlError 56, multiCurlError 0, CanRetry 1, UserError 0"}
	}
	status := 0
	if r, is := errors.AsType[*awshttp.ResponseError](err); is {
		status = r.HTTPStatusCode()
	}
	return &failure{code: "XX000", message: fmt.Sprintf("S3ServiceException:%s,Status %d,Error %s,Rid 5F7A2C31D8E9B604,CanRetry 1", said.ErrorMessage(), status, said.ErrorCode())}
}
