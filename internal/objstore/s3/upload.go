package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hindcast/hindcast/internal/objstore"
)

// The layout of a multipart upload. S3 takes 10,000 parts of at most 5 GiB, all but the last of at least 5 MiB.
const (
	firstPart     = 8 << 20
	partsAlike    = 1000 // this many parts have one size; the next have twice that
	partsParallel = 4
	abortTime     = 20 * time.Second
)

// partSize is the size of a part, whose numbers count from 1.
func partSize(number int) int64 { return firstPart << ((number - 1) / partsAlike) }

// Upload writes an object whole from a stream: a large one in parts, several in parallel. A file's parts are read while
// they are sent; of any other stream, all parts in progress are held in memory.
func (s *Store) Upload(ctx context.Context, key string, body io.Reader) (objstore.Info, error) {
	full, err := s.full(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}

	parts, err := newParts(body)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("uploading %s: %w", key, err)
	}

	first, err := parts.next()
	if err != nil {
		return objstore.Info{}, fmt.Errorf("uploading %s: %w", key, err)
	}

	if first.last {
		small, err := io.ReadAll(first.body)
		if err != nil {
			return objstore.Info{}, fmt.Errorf("uploading %s: %w", key, err)
		}
		return s.Put(ctx, key, small, objstore.Condition{})
	}

	u := &upload{store: s, key: full, parts: parts}
	etag, err := u.run(ctx, first)
	if err != nil {
		return objstore.Info{}, err
	}

	return objstore.Info{Key: key, Bytes: parts.given, ETag: etag}, nil
}

// part is one part of a stream. Its body can be read again from the beginning.
type part struct {
	number int32
	size   int64
	last   bool
	body   *io.SectionReader
}

// parts cuts a stream.
type parts struct {
	stream io.Reader
	file   io.ReaderAt // the stream, if it supports random access
	size   int64       // of the file
	number int
	given  int64
	ahead  []byte // of the stream: what was read beyond a part to see whether more follows
}

func newParts(body io.Reader) (*parts, error) {
	p := &parts{stream: body}
	file, ok := body.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return p, nil
	}

	var err error
	if p.given, err = file.Seek(0, io.SeekCurrent); err != nil {
		return nil, err
	}

	if p.given != 0 { // somebody has already read from it
		p.given = 0
		return p, nil
	}

	if p.size, err = file.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}

	p.file = file
	return p, nil
}

// next returns the next part, and marks the stream's last one.
func (p *parts) next() (part, error) {
	p.number++
	size := partSize(p.number)
	if p.file != nil {
		size = min(size, p.size-p.given)
		out := part{number: int32(p.number), size: size, body: io.NewSectionReader(p.file, p.given, size)}
		p.given += size
		out.last = p.given == p.size
		return out, nil
	}

	buffer := bytes.NewBuffer(make([]byte, 0, size+1))
	buffer.Write(p.ahead)
	_, err := io.CopyN(buffer, p.stream, size+1-int64(len(p.ahead)))
	if err != nil && !errors.Is(err, io.EOF) {
		return part{}, err
	}

	all := buffer.Bytes()
	out := part{number: int32(p.number), size: min(size, int64(len(all))), last: int64(len(all)) <= size}
	p.ahead = bytes.Clone(all[out.size:])
	out.body = io.NewSectionReader(bytes.NewReader(all), 0, out.size)
	p.given += out.size

	return out, nil
}

// upload is one multipart upload in progress.
type upload struct {
	store *Store
	key   string
	id    *string
	parts *parts

	mutex sync.Mutex // guards what follows
	done  []types.CompletedPart
	err   error // the first
}

// run sends all parts and completes the upload. After an error nothing of the upload is left, as far as the server can
// be reached.
func (u *upload) run(ctx context.Context, first part) (etag string, err error) {
	if err := u.begin(ctx); err != nil {
		return "", err
	}
	if err = u.send(ctx, first); err == nil {
		etag, err = u.complete(ctx)
	}
	if err != nil {
		u.abort(ctx)
	}
	return etag, err
}

func (u *upload) begin(ctx context.Context) error {
	r := request{action: "s3:PutObject", key: u.key}
	o := &u.store.options
	err := u.store.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		out, err := c.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{Bucket: &o.bucket, Key: &u.key,
			ServerSideEncryption: o.encryption, SSEKMSKeyId: present(o.kmsKey)})
		if err == nil {
			u.id = out.UploadId
		}
		return err
	})
	return u.store.fail(r, err)
}

// send sends the parts, some in parallel. The first error ends it.
func (u *upload) send(ctx context.Context, next part) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	slots := make(chan struct{}, partsParallel)
	for {
		slots <- struct{}{}
		if u.failed() != nil {
			break
		}

		p := next
		group.Go(func() {
			defer func() { <-slots }()
			if err := u.sendPart(ctx, p); err != nil {
				u.fail(err)
				cancel()
			}
		})

		if p.last {
			break
		}

		var err error
		if next, err = u.parts.next(); err != nil {
			u.fail(fmt.Errorf("reading what is to be uploaded: %w", err))
			break
		}
	}

	group.Wait()
	return u.failed()
}

func (u *upload) failed() error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	return u.err
}

func (u *upload) fail(err error) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if u.err == nil {
		u.err = err
	}
}

func (u *upload) sendPart(ctx context.Context, p part) error {
	r := request{action: "s3:PutObject", key: u.key, bytes: p.size}
	err := u.store.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		out, err := c.UploadPart(ctx, &awss3.UploadPartInput{Bucket: &u.store.options.bucket, Key: &u.key, UploadId: u.id,
			PartNumber: &p.number, ContentLength: &p.size, Body: io.NewSectionReader(p.body, 0, p.size)})
		if err != nil {
			return err
		}

		u.mutex.Lock()
		defer u.mutex.Unlock()
		u.done = append(u.done, types.CompletedPart{PartNumber: &p.number, ETag: out.ETag})
		return nil
	})
	return u.store.fail(r, err)
}

// complete completes the upload. If the answer was lost, the upload no longer exists when it is repeated: then the
// object itself shows the outcome.
func (u *upload) complete(ctx context.Context) (etag string, err error) {
	sortParts(u.done)
	r := request{action: "s3:PutObject", key: u.key}
	tries := 0
	err = u.store.call(ctx, r, func(ctx context.Context, c *awss3.Client) error {
		tries++
		out, err := c.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{Bucket: &u.store.options.bucket, Key: &u.key,
			UploadId: u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: u.done}})
		if err == nil {
			etag = aws.ToString(out.ETag)
		}

		return err
	})
	if answerOf(err).code == "NoSuchUpload" && tries > 1 {
		there, looking := u.store.head(ctx, u.key)
		if looking == nil && aws.ToInt64(there.ContentLength) == u.parts.given {
			return aws.ToString(there.ETag), nil
		}
	}

	return etag, u.store.fail(r, err)
}

// abort frees the space of the parts, even after the end of ctx. What it cannot free stays until one of the bucket's
// lifecycle rules removes it: docs/guide/s3.md names the rule.
func (u *upload) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_ = u.store.call(ctx, request{action: "s3:AbortMultipartUpload", key: u.key}, func(ctx context.Context, c *awss3.Client) error {
		_, err := c.AbortMultipartUpload(ctx, &awss3.AbortMultipartUploadInput{Bucket: &u.store.options.bucket, Key: &u.key, UploadId: u.id})
		return err
	})
}

func sortParts(done []types.CompletedPart) {
	slices.SortFunc(done, func(a, b types.CompletedPart) int { return int(*a.PartNumber - *b.PartNumber) })
}

// AbortUploads aborts the uploads below prefix that were begun and not completed, as far as of is true of their keys. A server or
// a user that may not list uploads leaves that to a lifecycle rule of the bucket.
func (s *Store) AbortUploads(ctx context.Context, prefix string, of func(key string) bool) error {
	if err := objstore.CheckFolder(prefix); err != nil {
		return s.unusable(err)
	}

	below := s.options.prefix + prefix
	in := &awss3.ListMultipartUploadsInput{Bucket: &s.options.bucket, Prefix: &below}
	for {
		var out *awss3.ListMultipartUploadsOutput
		r := request{action: "s3:ListBucketMultipartUploads", key: below}
		err := s.call(ctx, r, func(ctx context.Context, c *awss3.Client) (err error) {
			out, err = c.ListMultipartUploads(ctx, in)
			return err
		})
		if a := answerOf(err); a.status == http.StatusForbidden || a.status == http.StatusNotImplemented || a.status == http.StatusMethodNotAllowed {
			return nil
		}
		if err != nil {
			return s.fail(r, err)
		}

		for _, u := range out.Uploads {
			if key := strings.TrimPrefix(aws.ToString(u.Key), s.options.prefix); strings.HasPrefix(key, prefix) && of(key) {
				(&upload{store: s, key: aws.ToString(u.Key), id: u.UploadId}).abort(ctx)
			}
		}

		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
	}
}
