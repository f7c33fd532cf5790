// Package s3 keeps a lake's objects in a bucket of Amazon S3 or of any server that speaks its protocol. It needs no
// more than the actions s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket and s3:AbortMultipartUpload, retries
// what can heal, and names what cannot. What the objects mean is the caller's responsibility.
package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hindcast/hindcast/internal/objstore"
)

// Metadata of our objects, as x-amz-meta-*.
const (
	metaWrite = "hindcast-write"  // unique to one Put: shows whose bytes are there after an answer was lost
	metaSum   = "hindcast-sha256" // of the content; readers compare it
)

// Store is a prefix of a bucket as an object store. It implements objstore.Store, Ranged, Foldered, Cloner and Uploading. Safe for use
// by many goroutines, processes and machines at once.
type Store struct {
	options options
	config  aws.Config
	client  atomic.Pointer[awss3.Client]
	proven  atomic.Bool // the server exists: failures from now on are worth more tries
}

var _ interface {
	objstore.Store
	objstore.Ranged
	objstore.Foldered
	objstore.Cloner
	objstore.Uploading
} = (*Store)(nil)

// URL returns s3://bucket/prefix, without the endpoint and without secrets.
func (s *Store) URL() string { return s.options.url() }

// full checks the key and returns its key in the bucket.
func (s *Store) full(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := objstore.CheckKey(key); err != nil {
		return "", s.unusable(err)
	}

	return s.options.prefix + key, nil
}

// Get returns an object's bytes and its info.
func (s *Store) Get(ctx context.Context, key string) (body []byte, info objstore.Info, err error) {
	full, err := s.full(ctx, key)
	if err != nil {
		return nil, info, err
	}

	var wrong repeated
	r := request{action: "s3:GetObject", key: full}
	err = s.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		out, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: &s.options.bucket, Key: &full})
		if err != nil {
			return err
		}
		defer out.Body.Close()

		info = objstore.Info{Key: key, Bytes: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag)}
		if body, err = whole(out); errors.Is(err, errGarbled) && wrong.again(body) {
			return objstore.ErrDamaged
		}
		return err
	})
	if missing(err) {
		return nil, objstore.Info{}, fmt.Errorf("reading %s: %w", key, objstore.ErrNotExist)
	}
	if errors.Is(err, objstore.ErrDamaged) {
		return body, info, s.fail(r, err)
	}
	if err != nil {
		return nil, objstore.Info{}, s.fail(r, err)
	}

	return body, info, nil
}

// repeated tells an object that is damaged where it is stored from one that is damaged on its way: a network does not change
// the same bytes the same way again and again.
type repeated struct {
	sum   string
	times int
}

// again takes the wrong bytes of one more try, and reports whether it is the third in a row with the same.
func (r *repeated) again(body []byte) bool {
	if s := sum(body); s != r.sum {
		r.sum, r.times = s, 0
	}
	r.times++
	return r.times == 3
}

// whole reads an answer's body and proves that it was neither cut off nor changed. A changed one is returned with errGarbled.
func whole(out *awss3.GetObjectOutput) ([]byte, error) {
	size := aws.ToInt64(out.ContentLength)
	body := make([]byte, 0, size+1)
	buffer := bytes.NewBuffer(body)
	n, err := buffer.ReadFrom(out.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	if out.ContentLength != nil && n != size {
		return nil, fmt.Errorf("%w: %d of %d bytes", errCut, n, size)
	}
	if want := out.Metadata[metaSum]; want != "" && want != sum(buffer.Bytes()) {
		return buffer.Bytes(), errGarbled
	}

	return buffer.Bytes(), nil
}

func sum(body []byte) string {
	digest := sha256.Sum256(body)
	return hex.EncodeToString(digest[:])
}

// Stat returns an object's info.
func (s *Store) Stat(ctx context.Context, key string) (objstore.Info, error) {
	full, err := s.full(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}

	out, err := s.head(ctx, full)
	if missing(err) {
		return objstore.Info{}, fmt.Errorf("looking at %s: %w", key, objstore.ErrNotExist)
	}
	if err != nil {
		return objstore.Info{}, s.fail(request{action: "s3:GetObject", key: full}, err)
	}

	return objstore.Info{Key: key, Bytes: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag)}, nil
}

func (s *Store) head(ctx context.Context, full string) (out *awss3.HeadObjectOutput, err error) {
	err = s.call(ctx, request{action: "s3:GetObject", key: full}, func(ctx context.Context, c *awss3.Client) error {
		out, err = c.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: &s.options.bucket, Key: &full})
		return err
	})
	return out, err
}

// GetRange fills p with the object's bytes from the offset on, of the version with that ETag.
func (s *Store) GetRange(ctx context.Context, key, etag string, offset int64, p []byte) error {
	full, err := s.full(ctx, key)
	if err != nil || len(p) == 0 {
		return err
	}

	wanted := fmt.Sprintf("bytes %d-%d/", offset, offset+int64(len(p))-1)
	in := &awss3.GetObjectInput{Bucket: &s.options.bucket, Key: &full, IfMatch: present(etag),
		Range: aws.String(strings.TrimSuffix(strings.Replace(wanted, " ", "=", 1), "/"))}
	r := request{action: "s3:GetObject", key: full, bytes: int64(len(p))}
	err = s.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		out, err := c.GetObject(ctx, in)
		if err != nil {
			return err
		}
		defer out.Body.Close()

		if !strings.HasPrefix(aws.ToString(out.ContentRange), wanted) {
			return fmt.Errorf("%w: %q in answer to %q", errRange, aws.ToString(out.ContentRange), *in.Range)
		}
		if _, err := io.ReadFull(out.Body, p); err != nil {
			return fmt.Errorf("%w: %w", errCut, err)
		}

		return nil
	})
	switch a := answerOf(err); {
	case missing(err):
		return fmt.Errorf("reading %s: %w", key, objstore.ErrNotExist)
	case a.status == http.StatusPreconditionFailed:
		return fmt.Errorf("reading %s: %w", key, objstore.ErrPrecondition)
	}

	return s.fail(r, err)
}

// present is nil for an empty text: SDKs send anything that is not nil.
func present(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Put writes an object whole, if the condition holds.
func (s *Store) Put(ctx context.Context, key string, body []byte, cond objstore.Condition) (objstore.Info, error) {
	full, err := s.full(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}

	in := s.putInput(full, body)
	in.IfMatch = present(cond.IfMatch)
	if cond.IfNoneMatch {
		in.IfNoneMatch = aws.String("*")
	}

	info := objstore.Info{Key: key, Bytes: int64(len(body))}
	r := request{action: "s3:PutObject", key: full, bytes: info.Bytes}
	err = s.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		in.Body = bytes.NewReader(body)
		out, err := c.PutObject(ctx, in)
		if err == nil {
			info.ETag = aws.ToString(out.ETag)
		}

		return err
	})
	if status := answerOf(err).status; cond != (objstore.Condition{}) &&
		(status == http.StatusPreconditionFailed || status == http.StatusConflict || missing(err)) {
		info.ETag, err = s.lost(ctx, in, err)
	}

	if err != nil {
		return objstore.Info{}, s.fail(r, err)
	}

	return info, nil
}

// lost finds out whether a refused conditional write has really lost. An earlier try may have succeeded and its answer
// been lost: then the object has its token. A conflict (409) is not a loss as long as the condition holds.
func (s *Store) lost(ctx context.Context, in *awss3.PutObjectInput, refusal error) (etag string, err error) {
	there, err := s.head(ctx, *in.Key)
	holds := missing(err) && in.IfNoneMatch != nil
	switch {
	case err != nil && !missing(err):
		return "", s.fail(request{action: "s3:GetObject", key: *in.Key}, err)
	case err == nil && there.Metadata[metaWrite] == in.Metadata[metaWrite]:
		return aws.ToString(there.ETag), nil
	case err == nil:
		holds = in.IfMatch != nil && *in.IfMatch == aws.ToString(there.ETag)
	}

	if holds && answerOf(refusal).status == http.StatusConflict {
		return "", refusal
	}

	return "", fmt.Errorf("writing %s: %w", *in.Key, objstore.ErrPrecondition)
}

func (s *Store) putInput(full string, body []byte) *awss3.PutObjectInput {
	return &awss3.PutObjectInput{Bucket: &s.options.bucket, Key: &full, ContentLength: aws.Int64(int64(len(body))),
		ServerSideEncryption: s.options.encryption, SSEKMSKeyId: present(s.options.kmsKey),
		Metadata: map[string]string{metaWrite: rand.Text(), metaSum: sum(body)}}
}

// List returns the objects whose keys begin with prefix.
func (s *Store) List(ctx context.Context, prefix string) ([]objstore.Info, error) {
	infos, _, err := s.list(ctx, prefix, "")
	return infos, err
}

// Folders returns the names of the folders directly below prefix.
func (s *Store) Folders(ctx context.Context, prefix string) ([]string, error) {
	_, folders, err := s.list(ctx, prefix, "/")
	return folders, err
}

func (s *Store) list(ctx context.Context, prefix, delimiter string) (infos []objstore.Info, folders []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}

	below := s.options.prefix + prefix
	in := &awss3.ListObjectsV2Input{Bucket: &s.options.bucket, Prefix: present(below), Delimiter: present(delimiter),
		EncodingType: types.EncodingTypeUrl}
	r := request{action: "s3:ListBucket", key: below}
	for {
		var out *awss3.ListObjectsV2Output
		err := s.call(ctx, r, func(ctx context.Context, c *awss3.Client) (err error) {
			out, err = c.ListObjectsV2(ctx, in)
			return err
		})
		if err != nil {
			return nil, nil, s.fail(r, err)
		}

		for _, o := range out.Contents {
			key := strings.TrimPrefix(decoded(out, o.Key), s.options.prefix)
			infos = append(infos, objstore.Info{Key: key, Bytes: aws.ToInt64(o.Size), ETag: aws.ToString(o.ETag), Stamp: aws.ToString(o.ETag)})
		}

		for _, p := range out.CommonPrefixes {
			folders = append(folders, strings.TrimSuffix(strings.TrimPrefix(decoded(out, p.Prefix), below), "/"))
		}

		if !aws.ToBool(out.IsTruncated) || out.NextContinuationToken == nil {
			break
		}

		in.ContinuationToken = out.NextContinuationToken
	}

	slices.SortFunc(infos, func(a, b objstore.Info) int { return strings.Compare(a.Key, b.Key) })
	slices.Sort(folders)
	return infos, folders, nil
}

// decoded is the real key: XML cannot carry every byte, so lists contain escaped keys.
func decoded(out *awss3.ListObjectsV2Output, key *string) string {
	if out.EncodingType == types.EncodingTypeUrl {
		if plain, err := url.QueryUnescape(aws.ToString(key)); err == nil {
			return plain
		}
	}
	return aws.ToString(key)
}

// Delete removes an object; a missing one is not an error.
func (s *Store) Delete(ctx context.Context, key string) error {
	full, err := s.full(ctx, key)
	if err != nil {
		return err
	}

	r := request{action: "s3:DeleteObject", key: full}
	err = s.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		_, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &s.options.bucket, Key: &full})
		return err
	})
	if missing(err) {
		return nil
	}

	return s.fail(r, err)
}

// DeleteAll removes all objects below prefix.
func (s *Store) DeleteAll(ctx context.Context, prefix string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := objstore.CheckFolder(prefix); err != nil {
		return s.unusable(err)
	}

	infos, err := s.List(ctx, prefix)
	if err != nil {
		return err
	}

	for batch := range slices.Chunk(infos, 1000) {
		if err := s.deleteBatch(ctx, batch); err != nil {
			return err
		}
	}

	return nil
}

// deleteBatch removes up to 1000 objects in one call, or one by one if the server lacks such a call.
func (s *Store) deleteBatch(ctx context.Context, batch []objstore.Info) error {
	keys := make([]types.ObjectIdentifier, len(batch))
	for i, info := range batch {
		keys[i].Key = aws.String(s.options.prefix + info.Key)
	}

	r := request{action: "s3:DeleteObject", key: *keys[0].Key}
	err := s.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		out, err := c.DeleteObjects(ctx, &awss3.DeleteObjectsInput{Bucket: &s.options.bucket,
			Delete: &types.Delete{Objects: keys, Quiet: aws.Bool(true)}})
		if err != nil {
			return err
		}

		keys = slices.DeleteFunc(keys, func(k types.ObjectIdentifier) bool { return !left(out.Errors, *k.Key) })
		return refused(out.Errors)
	})
	if a := answerOf(err); a.status == http.StatusNotImplemented || a.code == "MissingContentMD5" {
		for _, info := range batch {
			if err := s.Delete(ctx, info.Key); err != nil {
				return err
			}
		}
		return nil
	}

	return s.fail(r, err)
}

func left(errs []types.Error, key string) bool {
	return slices.ContainsFunc(errs, func(e types.Error) bool { return aws.ToString(e.Key) == key })
}

// refused is the first of a batch's errors, as if the whole call had failed with it.
func refused(errs []types.Error) error {
	for _, e := range errs {
		if code := aws.ToString(e.Code); code != codeNoKey {
			return &answerError{answer{code: code, status: statusOf(code), message: aws.ToString(e.Message)}}
		}
	}
	return nil
}

var (
	errCut     = errors.New("the body was cut off")
	errGarbled = errors.New("the bytes that arrive are not those that were written")
	errRange   = errors.New("the server does not support ranges")
)
