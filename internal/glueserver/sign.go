package glueserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// Keys are what requests are signed with.
type Keys struct {
	ID     string
	Secret string
}

// skew is how far a request's time may be from ours, as with AWS.
const skew = 15 * time.Minute

// admit refuses a request that is not signed with the server's keys. Without keys it refuses what a web page can make a browser of this
// machine send: requests for a host by another name.
func (s *Server) admit(r *http.Request, body []byte) error {
	if s.options.Keys == nil {
		if !loopback(r.Host) {
			return jobs.Faultf("AccessDeniedException", "a server without keys answers this machine alone, by the address 127.0.0.1 or localhost; the request is for %q", r.Host)
		}
		return nil
	}
	return s.verify(r, body)
}

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// signature is what an Authorization header says.
type signature struct {
	key, date, region, service string
	headers                    []string
	value                      string
}

const algorithm = "AWS4-HMAC-SHA256"

// signatureOf reads the header of a request.
func signatureOf(header string) (is signature, found bool) {
	rest, found := strings.CutPrefix(header, algorithm+" ")
	if !found {
		return is, false
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 || scope[4] != "aws4_request" || fields["SignedHeaders"] == "" || fields["Signature"] == "" {
		return is, false
	}
	return signature{key: scope[0], date: scope[1], region: scope[2], service: scope[3], headers: strings.Split(fields["SignedHeaders"], ";"),
		value: fields["Signature"]}, true
}

// verify signs the request again, with the headers that the client signed, and compares.
func (s *Server) verify(r *http.Request, body []byte) error {
	header := r.Header.Get("Authorization")
	if header == "" {
		return jobs.Faultf("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	is, found := signatureOf(header)
	if !found {
		return jobs.Faultf("IncompleteSignatureException", "Authorization header requires the algorithm %s and the parameters 'Credential', 'SignedHeaders' and 'Signature'.", algorithm)
	}
	if is.key != s.options.Keys.ID {
		return jobs.Faultf("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	at, err := s.current(r.Header.Get("X-Amz-Date"), is.date)
	if err != nil {
		return err
	}
	if name := unsigned(r, is.headers); name != "" {
		return mismatch("'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
	}

	expected, err := s.sign(r, is, at, body)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(expected.value), []byte(is.value)) != 1 || !slices.Equal(expected.headers, is.headers) {
		return mismatch("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// current is when a request was signed, which is neither long ago nor to come.
func (s *Server) current(date, day string) (time.Time, error) {
	const form, minutes = "20060102T150405Z", int(skew / time.Minute)
	at, err := time.Parse(form, date)
	if err != nil {
		return at, jobs.Faultf("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. Got '%s'.", date)
	}
	if signed := at.Format("20060102"); signed != day {
		return at, mismatch("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", day, signed, date)
	}

	now := s.options.Now().UTC()
	if first := now.Add(-skew); at.Before(first) {
		return at, mismatch("Signature expired: %s is now earlier than %s (%s - %d min.)", date, first.Format(form), now.Format(form), minutes)
	}
	if last := now.Add(skew); at.After(last) {
		return at, mismatch("Signature not yet current: %s is still later than %s (%s + %d min.)", date, last.Format(form), now.Format(form), minutes)
	}
	return at, nil
}

func mismatch(format string, args ...any) error {
	return jobs.Faultf("InvalidSignatureException", format, args...)
}

// unsigned is a header that must be signed and is not: the host, and all that say what is asked for.
func unsigned(r *http.Request, signed []string) string {
	if !slices.Contains(signed, "host") {
		return "host"
	}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(signed, lower) {
			return lower
		}
	}
	return ""
}

// sign signs a copy of the request that has the signed headers alone.
func (s *Server) sign(r *http.Request, as signature, at time.Time, body []byte) (signature, error) {
	address := *r.URL // which signing writes to
	copied := &http.Request{Method: r.Method, URL: &address, Host: r.Host, Header: http.Header{}}
	for _, name := range as.headers {
		switch name {
		case "host":
		case "content-length":
			copied.ContentLength = r.ContentLength
		default:
			copied.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	sum := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: s.options.Keys.ID, SecretAccessKey: s.options.Keys.Secret}
	if err := v4.NewSigner().SignHTTP(context.Background(), keys, copied, hex.EncodeToString(sum[:]), as.service, as.region, at); err != nil {
		return signature{}, err
	}
	expected, _ := signatureOf(copied.Header.Get("Authorization"))
	return expected, nil
}
