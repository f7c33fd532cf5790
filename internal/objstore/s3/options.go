package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// options are what a lake's URL specifies.
type options struct {
	bucket     string
	prefix     string // "" or ends in "/"
	endpoint   string
	region     string
	pathStyle  *bool // nil: decided by whether the endpoint is Amazon's
	encryption types.ServerSideEncryption
	kmsKey     string
}

func (o options) url() string {
	return "s3://" + strings.TrimSuffix(o.bucket+"/"+o.prefix, "/")
}

// Open returns the store of s3://bucket/prefix. The URL may set endpoint, path_style, region, sse and sse_kms_key_id;
// the rest, and the credentials, come from where the AWS tools look for them. Nothing is asked of the server yet. It
// returns E-VALUE for an invalid URL.
func Open(ctx context.Context, location *url.URL) (*Store, error) {
	o, err := parse(location)
	if err != nil {
		return nil, err
	}

	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(httpClient()), config.WithLogger(logging.Nop{}), // its messages come as errors
		// Newer checksums break servers that do not know them; a body's signature protects it as well.
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }), // call retries
	}

	if o.region != "" {
		load = append(load, config.WithRegion(o.region))
	}

	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, &hindcast.Error{Code: hindcast.ECredentials, Class: hindcast.ClassPermanent, Cause: err,
			Message: "the AWS configuration cannot be read: " + err.Error(), Next: "correct ~/.aws/config, or the AWS_… variables"}
	}

	if c.Region == "" {
		c.Region = "us-east-1" // knows where each bucket is, and says so
	}

	s := &Store{options: o, config: c}
	s.connect(c.Region)
	return s, nil
}

// httpClient keeps connections: most requests of a lake are small.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 64
		t.IdleConnTimeout = 30 * time.Second
	})
}

// connect makes the client for a region.
func (s *Store) connect(region string) {
	c := s.config.Copy()
	c.Region = region
	s.client.Store(awss3.NewFromConfig(c, func(o *awss3.Options) {
		if s.options.endpoint != "" {
			o.BaseEndpoint = &s.options.endpoint
		}

		o.UsePathStyle = o.BaseEndpoint != nil && !amazons(*o.BaseEndpoint)
		if s.options.pathStyle != nil {
			o.UsePathStyle = *s.options.pathStyle
		}
	}))
}

// endpoint is the server, for errors.
func (s *Store) endpoint() string {
	if base := s.client.Load().Options().BaseEndpoint; base != nil {
		return *base
	}
	return "Amazon S3 in " + s.client.Load().Options().Region
}

// amazons reports whether an endpoint is one of Amazon's own, which support bucket names in the host name.
func amazons(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && (strings.HasSuffix(u.Hostname(), ".amazonaws.com") || strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn"))
}

// parse reads a lake's URL.
func parse(u *url.URL) (o options, err error) {
	o.bucket, o.prefix = u.Host, strings.Trim(u.Path, "/")
	if o.bucket == "" {
		return o, wrongURL("it names no bucket")
	}

	if o.prefix != "" {
		if objstore.CheckKey(o.prefix) != nil {
			return o, wrongURL(fmt.Sprintf("%q is not a prefix of the form a/b/c", o.prefix))
		}
		o.prefix += "/"
	}

	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return o, wrongURL("what follows the ? cannot be read")
	}

	for name, values := range query {
		if err := o.set(name, values[len(values)-1]); err != nil {
			return o, wrongURL(err.Error())
		}
	}

	if o.kmsKey != "" && o.encryption == "" {
		o.encryption = types.ServerSideEncryptionAwsKms
	}

	return o, nil
}

const parameters = "endpoint, path_style, region, sse and sse_kms_key_id"

func (o *options) set(name, value string) error {
	switch name {
	case "endpoint":
		return o.setEndpoint(value)
	case "path_style":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("path_style must be true or false, not %q", value)
		}
		o.pathStyle = &on
	case "region":
		o.region = value
	case "sse":
		if !slices.Contains([]string{"AES256", "aws:kms", "aws:kms:dsse"}, value) {
			return fmt.Errorf("sse must be AES256, aws:kms or aws:kms:dsse, not %q", value)
		}
		o.encryption = types.ServerSideEncryption(value)
	case "sse_kms_key_id":
		o.kmsKey = value
	default:
		return fmt.Errorf("there is no parameter %q; there are %s", name, parameters)
	}
	return nil
}

func (o *options) setEndpoint(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
		return errors.New("endpoint must have the form https://host:port")
	}
	if u.User != nil {
		return errors.New("credentials are not allowed in the endpoint")
	}

	o.endpoint = strings.TrimSuffix(value, "/")
	return nil
}

func wrongURL(what string) error {
	return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Message: "the lake's URL is not valid: " + what,
		Next: "write s3://bucket/prefix, optionally with the parameters " + parameters}
}
