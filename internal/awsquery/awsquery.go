// Package awsquery calls services of AWS of which hindcast asks only a handful of things: the SDK's configuration, credentials and signatures
// without the SDK's client of each service, of which EC2's alone is larger than hindcast.
package awsquery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pause"
)

// Service is one that is called. It has a version if it speaks the query protocol, with answers in XML, and a target if it speaks JSON.
type Service struct {
	ID      string // the SDKs' name, which settings of endpoints have: Service Quotas
	Prefix  string // of its host, and what signatures are for
	Version string // of its API
	Target  string // what the header X-Amz-Target begins with
	Global  bool   // one for all regions
}

// The services.
var (
	STS                = Service{ID: "STS", Prefix: "sts", Version: "2011-06-15"}
	IAM                = Service{ID: "IAM", Prefix: "iam", Version: "2010-05-08", Global: true}
	EC2                = Service{ID: "EC2", Prefix: "ec2", Version: "2016-11-15"}
	Redshift           = Service{ID: "Redshift", Prefix: "redshift", Version: "2012-12-01"}
	RedshiftServerless = Service{ID: "Redshift Serverless", Prefix: "redshift-serverless", Target: "RedshiftServerless"}
	ServiceQuotas      = Service{ID: "Service Quotas", Prefix: "servicequotas", Target: "ServiceQuotasV20190624"}
	Glue               = Service{ID: "Glue", Prefix: "glue", Target: "AWSGlue"}
	EMRServerless      = Service{ID: "EMR Serverless", Prefix: "emr-serverless"} // speaks neither: only where it is can be asked
)

// Client calls services in one region.
type Client struct {
	config aws.Config
	wait   time.Duration // after the first try
	tries  int
}

// Bounds of a call.
const (
	callTime  = 20 * time.Second // of a try
	firstWait = 200 * time.Millisecond
	mostTries = 4
	answerMax = 16 << 20 // bytes
)

// Open makes a client for a region, or for the AWS configuration's if it is "". Credentials, region and endpoints are where the AWS tools have
// them. It calls nobody yet.
func Open(ctx context.Context, region string) (*Client, error) {
	load := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})} // its messages come as errors
	if region != "" {
		load = append(load, config.WithRegion(region))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, &hindcast.Error{Code: hindcast.ECredentials, Class: hindcast.ClassPermanent, Cause: err,
			Message: "the AWS configuration cannot be read: " + err.Error(), Next: "correct ~/.aws/config, or the AWS_… variables"}
	}
	if c.Region == "" {
		return nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Message: "there is no AWS region",
			Next: "set AWS_REGION, or write the region in the pipeline file"}
	}
	if c.HTTPClient == nil { // it is there only with AWS_CA_BUNDLE: the SDK's clients make their own
		c.HTTPClient = awshttp.NewBuildableClient()
	}
	return &Client{config: c, wait: firstWait, tries: mostTries}, nil
}

// Once is the client without second tries.
func (c *Client) Once() *Client {
	once := *c
	once.tries = 1
	return &once
}

// In is the client of another region.
func (c *Client) In(region string) *Client {
	other := *c
	other.config = c.config.Copy()
	other.config.Region = region
	return &other
}

// Region is where the client's services are.
func (c *Client) Region() string { return c.config.Region }

// Credentials are those that requests are signed with; Source says where they come from.
func (c *Client) Credentials(ctx context.Context) (aws.Credentials, error) {
	if c.config.Credentials == nil {
		return aws.Credentials{}, noCredentials(errors.New("none are configured"))
	}
	found, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return found, ctx.Err()
		}
		return found, noCredentials(err)
	}
	return found, nil
}

// Query calls an action of a service that speaks the query protocol, and decodes its answer, which has the action's name with Response at its
// root. The error is the user's, and has an *Answer in its chain if the service gave one.
func (c *Client) Query(ctx context.Context, s Service, action string, in url.Values, out any) error {
	form := url.Values{"Action": {action}, "Version": {s.Version}}
	for name, values := range in {
		form[name] = values
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	return c.call(ctx, s, action, header, []byte(form.Encode()), func(body []byte) error { return xml.Unmarshal(body, out) })
}

// JSON calls an action of a service that speaks JSON, as Query does.
func (c *Client) JSON(ctx context.Context, s Service, action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {s.Target + "." + action}}
	return c.call(ctx, s, action, header, body, func(body []byte) error { return json.Unmarshal(body, out) })
}

// call makes the call until it is answered. What only reads is tried again also where nobody knows whether it was done.
func (c *Client) call(ctx context.Context, s Service, action string, header http.Header, body []byte, decode func([]byte) error) error {
	wait := c.wait
	for try := 1; ; try++ {
		err := c.once(ctx, s, header, body, decode)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case try >= c.tries, !again(action, err):
			return c.fault(s, action, err)
		}
		if err := pause.For(ctx, wait+rand.N(wait)); err != nil {
			return err
		}
		wait *= 2
	}
}

// once is one try, which a silent service does not hold up.
func (c *Client) once(ctx context.Context, s Service, header http.Header, body []byte, decode func([]byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	request, err := c.request(ctx, s, header, body)
	if err != nil {
		return err
	}
	response, err := c.config.HTTPClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // all that is wanted has been read

	said, err := io.ReadAll(io.LimitReader(response.Body, answerMax))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return answerOf(response, said)
	}
	if err := decode(said); err != nil {
		return &Answer{Status: response.StatusCode, Code: "Unreadable", Message: "its answer cannot be read: " + err.Error()}
	}
	return nil
}

// request is signed.
func (c *Client) request(ctx context.Context, s Service, header http.Header, body []byte) (*http.Request, error) {
	credentials, err := c.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	endpoint, region, err := c.endpoint(ctx, s)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if request.URL.Path == "" {
		request.URL.Path = "/"
	}
	request.Header = header.Clone()
	sum := sha256.Sum256(body)
	return request, v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), s.Prefix, region, time.Now())
}

// Own reports whether a service is looked for where Amazon has it, and no setting names another endpoint.
func (c *Client) Own(ctx context.Context, s Service) bool {
	configured, err := c.configured(ctx, s)
	return err == nil && configured == ""
}

// endpoint is the service's URL, and the region that signatures name.
func (c *Client) endpoint(ctx context.Context, s Service) (endpoint, region string, err error) {
	suffix, first, global := partition(c.config.Region)
	host, region := fmt.Sprintf("%s.%s.%s", s.Prefix, c.config.Region, suffix), c.config.Region
	if s.Global {
		host, region = s.Prefix+global+"."+suffix, first
	}
	configured, err := c.configured(ctx, s)
	if err != nil || configured != "" {
		return configured, region, err
	}
	return "https://" + host, region, nil
}

// partition is what host names of a region end in, and the first region of its partition with what a global service's host has of it.
func partition(region string) (suffix, first, global string) {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "amazonaws.com.cn", "cn-north-1", ".cn-north-1"
	case strings.HasPrefix(region, "us-gov-"):
		return "amazonaws.com", "us-gov-west-1", ".us-gov"
	}
	return "amazonaws.com", "us-east-1", ""
}

// configured is the endpoint that the AWS configuration names for a service, in the order of the SDKs; "" if it names none.
func (c *Client) configured(ctx context.Context, s Service) (string, error) {
	for _, source := range c.config.ConfigSources {
		if from, is := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); is {
			if ignored, found, err := from.GetIgnoreConfiguredEndpoints(ctx); err != nil || found && ignored {
				return "", err
			}
		}
	}
	for _, source := range c.config.ConfigSources {
		if from, is := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); is {
			if endpoint, found, err := from.GetServiceBaseEndpoint(ctx, s.ID); err != nil || found {
				return endpoint, err
			}
		}
	}
	return aws.ToString(c.config.BaseEndpoint), nil
}
