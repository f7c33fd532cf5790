package cli

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
)

// What is printed is an address that clients can use, and that a certificate is of, also where the server listens at all of them.
func TestTheAddressThatIsServed(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	of := func(ip string, names ...string) *tls.Config {
		leaf := &x509.Certificate{DNSNames: names}
		if ip != "" {
			leaf.IPAddresses = []net.IP{net.ParseIP(ip)}
		}
		return &tls.Config{Certificates: []tls.Certificate{{Leaf: leaf}}}
	}
	everywhere := &net.TCPAddr{IP: net.IPv6unspecified, Port: 9443}
	here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40404}
	for _, c := range []struct {
		given   string
		at      net.Addr
		secured *tls.Config
		want    string
	}{
		{"127.0.0.1:0", here, nil, "127.0.0.1:40404"},
		{"localhost:0", here, nil, "localhost:40404"},
		{"[::1]:0", &net.TCPAddr{IP: net.IPv6loopback, Port: 1}, nil, "[::1]:1"},
		{"etl.example.com:9443", everywhere, of("", "other.example.com"), "etl.example.com:9443"},
		{"0.0.0.0:9443", everywhere, of("10.1.2.3", "*.example.com", "etl.example.com"), "etl.example.com:9443"},
		{"[::]:9443", everywhere, of("10.1.2.3", "*.example.com"), "10.1.2.3:9443"},
		{":9443", everywhere, of(""), machine + ":9443"},
	} {
		if got := (serving{glue: c.given}).reachedAt(c.at, c.secured); got != c.want {
			t.Errorf("%s: %s, want %s", c.given, got, c.want)
		}
	}
}
