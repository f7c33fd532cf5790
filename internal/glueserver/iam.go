package glueserver

import (
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"regexp"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// account is the number of the account that names have here.
const account = "000000000000"

// The form and the answers of IAM, which Airflow asks for the ARN of a job's role.
type (
	roleAnswer struct {
		XMLName xml.Name `xml:"https://iam.amazonaws.com/doc/2010-05-08/ GetRoleResponse"`
		Role    role     `xml:"GetRoleResult>Role"`
		ID      string   `xml:"ResponseMetadata>RequestId"`
	}
	role struct {
		Path       string
		RoleName   string
		RoleID     string `xml:"RoleId"`
		Arn        string
		CreateDate string
		Policy     string `xml:"AssumeRolePolicyDocument"`
	}
	identityError struct {
		XMLName xml.Name `xml:"https://iam.amazonaws.com/doc/2010-05-08/ ErrorResponse"`
		Type    string   `xml:"Error>Type"`
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
		ID      string   `xml:"RequestId"`
	}
)

var roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// identity answers GetRole: every role exists here, for nothing of this machine is allowed or refused by one.
func (s *Server) identity(w http.ResponseWriter, action string, body []byte, id string) {
	name := formOf(body).Get("RoleName")
	w.Header().Set("Content-Type", "text/xml")
	switch {
	case action != "GetRole":
		sendXML(w, http.StatusBadRequest, identityError{Type: "Sender", Code: "InvalidAction", Message: "this server has no action " + action, ID: id})
	case !roleName.MatchString(name):
		sendXML(w, http.StatusBadRequest, identityError{Type: "Sender", Code: "ValidationError", Message: "RoleName is not a role's name", ID: id})
	default:
		sendXML(w, http.StatusOK, roleAnswer{ID: id, Role: role{Path: "/", RoleName: name, RoleID: "AROA0000000000000000",
			Arn: "arn:aws:iam::" + account + ":role/" + name, CreateDate: "2020-01-01T00:00:00Z", Policy: url.QueryEscape(`{"Version":"2012-10-17","Statement":[]}`)}})
	}
}

// identityCodes are IAM's names for what the other services call by the name of an exception.
var identityCodes = map[string]string{
	"InvalidSignatureException":           "SignatureDoesNotMatch",
	"UnrecognizedClientException":         "InvalidClientTokenId",
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	"IncompleteSignatureException":        "IncompleteSignature",
	"AccessDeniedException":               "AccessDenied",
}

// refuseIdentity answers that a request to IAM is not admitted.
func refuseIdentity(w http.ResponseWriter, err error, id string) {
	status, e := http.StatusInternalServerError, identityError{Type: "Receiver", Code: "InternalFailure", Message: err.Error(), ID: id}
	if fault, known := errors.AsType[*jobs.Fault](err); known {
		status, e.Type, e.Code, e.Message = http.StatusForbidden, "Sender", identityCodes[fault.Name], fault.Message
	}
	w.Header().Set("Content-Type", "text/xml")
	sendXML(w, status, e)
}

func sendXML(w http.ResponseWriter, status int, answer any) {
	text, err := xml.Marshal(answer)
	if err != nil {
		panic(err) // of our own types
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that is gone asks again
}

// formOf is a form as far as it can be read.
func formOf(body []byte) url.Values {
	form, _ := url.ParseQuery(string(body))
	return form
}
