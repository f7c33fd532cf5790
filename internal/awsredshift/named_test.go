package awsredshift

import (
	"net/url"
	"testing"
)

// A URL names a cluster or a workgroup by its name or by its endpoint; one that cannot be meant is refused.
func TestRead(t *testing.T) {
	for at, want := range map[string]Named{
		"redshift://u@shop.abc123.eu-central-1.redshift.amazonaws.com:5439/db": {Name: "shop", Region: "eu-central-1", Kind: Clustered, Address: "shop.abc123.eu-central-1.redshift.amazonaws.com:5439", Database: "db"},
		"redshift://u@Shop.abc123.cn-north-1.redshift.amazonaws.com.cn/db":     {Name: "shop", Region: "cn-north-1", Kind: Clustered, Address: "Shop.abc123.cn-north-1.redshift.amazonaws.com.cn:5439", Database: "db"},
		"redshift://u@quick.123456789012.us-east-1.redshift-serverless.amazonaws.com:5440/db": {Name: "quick", Region: "us-east-1", Kind: Grouped, Account: "123456789012",
			Address: "quick.123456789012.us-east-1.redshift-serverless.amazonaws.com:5440", Database: "db"},
		"redshift+iam://shop/db?region=eu-west-1":                             {Name: "shop", Region: "eu-west-1", Database: "db"},
		"redshift+iam://shop/db?serverless=false&host=localhost:1234&user=me": {Name: "shop", Kind: Clustered, Address: "localhost:1234", Database: "db", User: "me"},
		"redshift+iam://shop/db?host=localhost":                               {Name: "shop", Address: "localhost:5439", Database: "db"},
		"redshift+iam://shop.abc123.eu-west-1.redshift.amazonaws.com:5440/db": {Name: "shop", Region: "eu-west-1", Kind: Clustered, Address: "shop.abc123.eu-west-1.redshift.amazonaws.com:5440", Database: "db"},
		"redshift-data://shop/db?serverless=true&secret=arn:aws:x":            {Name: "shop", Kind: Grouped, Database: "db", Secret: "arn:aws:x"},
		"redshift-data://shop/db":                                             {Name: "shop", Database: "db"},
		"redshift://u@localhost/db":                                           {Address: "localhost:5439", Database: "db"},
	} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		want.Scheme = u.Scheme
		if got, err := Read(u); err != nil || got != want {
			t.Errorf("%s: %+v, %v", at, got, err)
		}
	}

	for at, reason := range map[string]string{
		"redshift+iam://shop.example.com/db":               "shop.example.com is neither a name nor an endpoint of AWS",
		"redshift+iam://me@shop/db":                        "it holds a user or a password, and the credentials come from AWS",
		"redshift+iam://shop:5439/db":                      "a name has no port",
		"redshift+iam://shop/db?serverless=perhaps":        "serverless is neither true nor false",
		"redshift+iam://shop/db?serverless=true&user=me":   "a workgroup gives credentials to IAM identities, and user names another",
		"redshift-data://shop/db?user=me&secret=arn:aws:x": "it has both user and secret",
	} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(u); err == nil || err.Error() != reason {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// AWS is asked before a connection where the URL does not say what it is, or where.
func TestAsks(t *testing.T) {
	for at, want := range map[string]bool{
		"redshift://u@shop.abc123.eu-central-1.redshift.amazonaws.com/db": false, "redshift+iam://shop/db": true, "redshift+iam://shop/db?serverless=true": true,
		"redshift+iam://shop/db?host=h": true, "redshift+iam://shop/db?host=h&serverless=false": false, "redshift-data://shop/db": true, "redshift-data://shop/db?serverless=true": false,
	} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := Read(u); err != nil || n.Asks() != want {
			t.Errorf("%s: %t, %v", at, !want, err)
		}
	}
}
