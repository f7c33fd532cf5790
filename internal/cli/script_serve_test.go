//go:build unix

package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// glue NAME [ARGS]: starts hindcast serve as NAME at a port that is free, and sets GLUE to its address, on this machine, and
// AWS_ENDPOINT_URL with it; $AWS_PYTHON is a Python that has the clients of AWS, for which there are keys, the bucket's if
// there is one, and a region.
func glue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: glue NAME [ARGS]")
	}
	w := worldOf(ts)
	start(ts, false, append([]string{args[0], "hindcast", "serve", "--json", "--glue", "127.0.0.1:0"}, args[1:]...))
	said := filepath.Join(w.dir, args[0]+".out")
	waitFor(ts, false, []string{said, `\n`})
	text, err := os.ReadFile(said)
	ts.Check(err)
	var is struct{ Glue string }
	ts.Check(json.NewDecoder(strings.NewReader(string(text))).Decode(&is))
	vars := map[string]string{"GLUE": is.Glue, "AWS_ENDPOINT_URL": is.Glue, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
		"HOME": ts.MkAbs("."), "AWS_PYTHON": pythontest.Python(w.test, "aws")}
	if w.server == nil { // otherwise those of the bucket do
		vars["AWS_ACCESS_KEY_ID"], vars["AWS_SECRET_ACCESS_KEY"], vars["AWS_REGION"] = "AKIDEXAMPLE", "secret", "eu-central-1"
	}
	for name, value := range vars {
		ts.Setenv(name, value)
		w.vars = append(w.vars, name+"="+value)
	}
}

// certify: makes tls.crt, which is its own authority, and tls.key, of a server at 127.0.0.1.
func certify(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: certify")
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	signed, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	ts.Check(err)
	key, err := x509.MarshalPKCS8PrivateKey(private)
	ts.Check(err)
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: signed}, "tls.key": {Type: "PRIVATE KEY", Bytes: key}} {
		ts.Check(os.WriteFile(ts.MkAbs(name), pem.EncodeToMemory(block), 0o600))
	}
}
