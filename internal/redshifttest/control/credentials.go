//go:build unix

package control

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

// Database is what temporary credentials let somebody into.
type Database interface {
	// Lend lets a client with this login become a role by a password for a while. The role is made if that is asked for.
	Lend(login, role, password string, lasts time.Duration, create bool) error
	Address() string // HOST:PORT
}

// Identity is the database user of whoever signs the calls, as Redshift names the user of an IAM identity.
const Identity = "IAM:hindcast-tests"

// Bounds of how long credentials last, in seconds.
const (
	leastLife   = 900
	mostLife    = 3600
	defaultLife = 900
)

// credentialActions are the actions on clusters by which somebody connects.
func credentialActions() map[string]queryAction {
	return map[string]queryAction{
		"GetClusterCredentials":        (*Server).clusterCredentials,
		"GetClusterCredentialsWithIAM": (*Server).clusterCredentialsWithIAM,
	}
}

// credentials are an element of an answer.
type credentials struct {
	DbUser          string
	DbPassword      string
	Expiration      string
	NextRefreshTime string `xml:",omitempty"`
}

// life is how long credentials last that somebody asks for.
func life(asked string) (time.Duration, *Refusal) {
	seconds := defaultLife
	if asked != "" {
		var err error
		if seconds, err = strconv.Atoi(asked); err != nil || seconds < leastLife || seconds > mostLife {
			return 0, refuse(http.StatusBadRequest, "InvalidParameterValue", "DurationSeconds must be between %d and %d.", leastLife, mostLife)
		}
	}
	return time.Duration(seconds) * time.Second, nil
}

var userForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+.@-]{0,63}$`)

func (s *Server) clusterCredentials(form url.Values) (any, *Refusal) {
	user := form.Get("DbUser")
	if !userForm.MatchString(user) {
		return nil, refuse(http.StatusBadRequest, "InvalidParameterValue", "DbUser is not valid: %q", user)
	}
	create := form.Get("AutoCreate") == "true"
	name := "IAM:" + user
	if create {
		name = "IAMA:" + user
	}
	return s.lend(form, name, user, create)
}

func (s *Server) clusterCredentialsWithIAM(form url.Values) (any, *Refusal) {
	return s.lend(form, Identity, Identity, true)
}

// lend makes a password. What a client logs in with says how it was authorized, before the name of the user of the database.
func (s *Server) lend(form url.Values, login, role string, create bool) (any, *Refusal) {
	c, refused := s.named(form)
	if refused != nil {
		return nil, refused
	}
	lasts, refused := life(form.Get("DurationSeconds"))
	if refused != nil {
		return nil, refused
	}
	given, until, err := give(c.Database, login, role, lasts, create)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "InvalidParameterValue", "%v", err)
	}
	given.Expiration = until.UTC().Format(time.RFC3339)
	return given, nil
}

// give lets a client into a database.
func give(to Database, login, role string, lasts time.Duration, create bool) (credentials, time.Time, error) {
	given := credentials{DbUser: login, DbPassword: rand.Text() + "+/'=" + rand.Text()} // Redshift's have such characters
	return given, time.Now().Add(lasts), to.Lend(login, role, given.DbPassword, lasts, create)
}

// credentialCalls are those of Redshift Serverless.
func credentialCalls() map[string]jsonAction {
	return map[string]jsonAction{"GetCredentials": (*Server).getCredentials}
}

func (s *Server) getCredentials(body []byte) (any, *Refusal) {
	var in struct {
		WorkgroupName, DBName string
		DurationSeconds       *int
	}
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	w, refused := s.workgroup(in.WorkgroupName)
	if refused != nil {
		return nil, refused
	}
	asked := ""
	if in.DurationSeconds != nil {
		asked = strconv.Itoa(*in.DurationSeconds)
	}
	lasts, refused := life(asked)
	if refused != nil {
		return nil, refuse(http.StatusBadRequest, "ValidationException", "%s", refused.Message)
	}
	given, until, err := give(w.Database, Identity, Identity, lasts, true)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "ValidationException", "%v", err)
	}
	return map[string]any{"dbUser": given.DbUser, "dbPassword": given.DbPassword, "expiration": until.Unix(), "nextRefreshTime": until.Unix()}, nil
}

// endpointElement is where a cluster is.
type endpointElement struct {
	Address string
	Port    int
}

// endpointOf is nil for what has no database behind it.
func endpointOf(d Database) *endpointElement {
	if d == nil {
		return nil
	}
	host, text, err := net.SplitHostPort(d.Address())
	if err != nil {
		return nil
	}
	port, _ := strconv.Atoi(text) // of a listener
	return &endpointElement{host, port}
}
