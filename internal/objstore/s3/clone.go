package s3

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hindcast/hindcast/internal/objstore"
)

// What the server copies in one call, and the parts that it copies a larger object in. S3 takes up to 5 GiB in either.
var (
	cloneWhole int64 = 5 << 30
	clonePart  int64 = 1 << 30
)

// Clone has the server copy an object: no byte of it passes through here.
func (s *Store) Clone(ctx context.Context, from, to string) (objstore.Info, error) {
	source, err := s.full(ctx, from)
	if err != nil {
		return objstore.Info{}, err
	}
	full, err := s.full(ctx, to)
	if err != nil {
		return objstore.Info{}, err
	}

	there, err := s.head(ctx, source)
	if missing(err) {
		return objstore.Info{}, fmt.Errorf("copying %s: %w", from, objstore.ErrNotExist)
	}
	if err != nil {
		return objstore.Info{}, s.fail(request{action: "s3:GetObject", key: source}, err)
	}
	info := objstore.Info{Key: to, Bytes: aws.ToInt64(there.ContentLength)}
	if info.Bytes > cloneWhole {
		info.ETag, err = s.cloneInParts(ctx, source, full, there)
	} else {
		info.ETag, err = s.clone(ctx, source, full, there)
	}
	if missing(err) {
		return objstore.Info{}, fmt.Errorf("copying %s: %w", from, objstore.ErrNotExist)
	}
	return info, s.fail(request{action: "s3:PutObject", key: full}, err)
}

// copySource names an object as a copy does. Servers differ in what a plus sign means there.
func (s *Store) copySource(full string) *string {
	parts := strings.Split(s.options.bucket+"/"+full, "/")
	for i := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(parts[i]), "+", "%2B")
	}
	return aws.String(strings.Join(parts, "/"))
}

func (s *Store) clone(ctx context.Context, source, full string, there *awss3.HeadObjectOutput) (etag string, err error) {
	r := request{action: "s3:PutObject", key: full, bytes: aws.ToInt64(there.ContentLength)}
	err = s.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		out, err := c.CopyObject(ctx, &awss3.CopyObjectInput{Bucket: &s.options.bucket, Key: &full, CopySource: s.copySource(source), CopySourceIfMatch: there.ETag,
			ServerSideEncryption: s.options.encryption, SSEKMSKeyId: present(s.options.kmsKey)})
		if err == nil && out.CopyObjectResult != nil {
			etag = aws.ToString(out.CopyObjectResult.ETag)
		}
		return err
	})
	return etag, err
}

// cloneInParts is clone for an object that is too large for one call. After an error nothing of it is left, as far as the server can be reached.
func (s *Store) cloneInParts(ctx context.Context, source, full string, there *awss3.HeadObjectOutput) (etag string, err error) {
	size := aws.ToInt64(there.ContentLength)
	u := &upload{store: s, key: full, parts: &parts{given: size}}
	if err := u.begin(ctx); err != nil {
		return "", err
	}
	for number, at := int32(1), int64(0); at < size && err == nil; number, at = number+1, at+clonePart {
		err = u.clonePart(ctx, source, there.ETag, number, at, min(at+clonePart, size)-1)
	}
	if err == nil {
		etag, err = u.complete(ctx)
	}
	if err != nil {
		u.abort(ctx)
	}
	return etag, err
}

func (u *upload) clonePart(ctx context.Context, source string, etag *string, number int32, first, last int64) error {
	r := request{action: "s3:PutObject", key: u.key, bytes: last - first + 1}
	return u.store.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		out, err := c.UploadPartCopy(ctx, &awss3.UploadPartCopyInput{Bucket: &u.store.options.bucket, Key: &u.key, UploadId: u.id, PartNumber: &number,
			CopySource: u.store.copySource(source), CopySourceIfMatch: etag, CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", first, last))})
		if err == nil && out.CopyPartResult != nil {
			u.done = append(u.done, types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag})
		}
		return err
	})
}
