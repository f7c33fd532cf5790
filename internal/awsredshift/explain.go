package awsredshift

import (
	"errors"
	"fmt"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
)

// Explain is the error of a call about what the URL names, with what to do; nil if err is.
func (n Named) Explain(service, action, region string, err error) error {
	e, ours := errors.AsType[*hindcast.Error](err)
	notFound := awsquery.NotFound(err)
	if !ours && !notFound {
		return err
	}
	is := hindcast.Error{Cause: err}
	if ours {
		is = *e
		is.Cause = err
	}
	switch {
	case notFound:
		is.Code, is.Class = hindcast.EWarehouse, hindcast.ClassPermanent
		is.Message = fmt.Sprintf("there is no %s %s in %s", n.Kind, n.Name, region)
		is.Next = "correct the name or the region under `warehouse:`, or choose the account with AWS_PROFILE"
	case is.Code == hindcast.EPermission:
		is.Next = fmt.Sprintf("allow %s:%s on %s to the identity that runs hindcast", service, action, n.resource(service, action, region))
		if action == "DescribeClusters" || action == "GetWorkgroup" {
			is.Next += ", or avoid the call: in the URL, serverless=true (a workgroup) or false (a cluster) says which it is, and the endpoint as its host or host=HOST:PORT where it is"
		}
	}
	return &is
}

// resource is what a policy names.
func (n Named) resource(service, action, region string) string {
	in := "arn:aws:" + service + ":" + region + ":*:"
	switch action {
	case "GetClusterCredentials":
		return in + "dbuser:" + n.Name + "/" + n.User + " and " + in + "dbname:" + n.Name + "/" + n.Database
	case "GetClusterCredentialsWithIAM":
		return in + "dbname:" + n.Name + "/" + n.Database
	case "DescribeClusters":
		return in + "cluster:" + n.Name
	}
	return in + "workgroup/*"
}
