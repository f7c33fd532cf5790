package glueserver

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/hindcast/hindcast"
)

// ReadKeys reads a profile of a file of credentials, as clients of AWS have them in ~/.aws/credentials.
func ReadKeys(ctx context.Context, file, profile string) (*Keys, error) {
	is, err := config.LoadSharedConfigProfile(ctx, profile, func(o *config.LoadSharedConfigOptions) {
		o.CredentialsFiles, o.ConfigFiles = []string{file}, []string{}
	})
	if err == nil && (is.Credentials.AccessKeyID == "" || is.Credentials.SecretAccessKey == "") {
		err = fmt.Errorf("the profile %s has no aws_access_key_id and aws_secret_access_key", profile)
	}
	if err != nil {
		return nil, &hindcast.Error{Code: hindcast.EServe, Class: hindcast.ClassPermanent, Cause: err,
			Message: fmt.Sprintf("no keys in %s: %v", file, err), Next: "write aws_access_key_id and aws_secret_access_key below [" + profile + "], as in ~/.aws/credentials"}
	}
	return &Keys{ID: is.Credentials.AccessKeyID, Secret: is.Credentials.SecretAccessKey}, nil
}
