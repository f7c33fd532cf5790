package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/glueserver"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/glueserver/launch"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// serving are the flags of hindcast serve.
type serving struct {
	glue        string
	state       string
	parallel    int
	limits      jobs.Limits
	credentials string
	profile     string
	certificate string
	key         string
	spark       string
	conf        []string
	packages    []string
}

func (a *app) serveCommand() *cobra.Command {
	var o serving
	command := &cobra.Command{
		Use: "serve", Short: "Serve the Glue API on this machine", Args: cobra.NoArgs,
		Long: `Answers the API of AWS Glue for jobs, runs and tags, with as much of CloudWatch Logs and IAM as Glue's clients
ask for, so that boto3, the AWS CLI and Airflow run jobs on this machine: give them --glue's address as endpoint.

A job's ScriptLocation is a pipeline file of hindcast, NAME.yml, or a script of Python, NAME.py: a path below the
folder that the server was started in, or s3://BUCKET/KEY for scripts. Nothing outside of the folder is run. Scripts
of glueetl run in the Spark of this machine, with an awsglue that says what it lacks.

Jobs and runs are kept in --state. Ctrl-C ends the server alone: scripts go on, and the next server takes them up.
Without --credentials only programs of this machine are answered, and any keys will do.`,
		Example: "  hindcast serve --glue 127.0.0.1:9443\n  aws --endpoint-url http://127.0.0.1:9443 glue list-jobs",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), o) },
	}
	flags := command.Flags()
	flags.StringVar(&o.glue, "glue", "", "the address to answer at, such as 127.0.0.1:9443")
	flags.StringVar(&o.state, "state", ".hindcast-glue", "the folder that jobs and runs are kept in")
	flags.IntVar(&o.parallel, "parallel", 0, "how many scripts run at the same time; other runs are STARTING (half the cores by default)")
	flags.IntVar(&o.limits.Runs, "max-runs", 2000, "runs of the account at the same time, as a quota of Glue's; 0 is none")
	flags.Float64Var(&o.limits.DPU, "max-dpu", 0, "DPUs of the account at the same time, as a quota of Glue's; 0 is none")
	flags.StringVar(&o.credentials, "credentials", "", "a file like ~/.aws/credentials: requests must be signed with its keys")
	flags.StringVar(&o.profile, "profile", "default", "the profile in it")
	flags.StringVar(&o.certificate, "tls-cert", "", "a certificate (PEM), to answer over TLS")
	flags.StringVar(&o.key, "tls-key", "", "its key (PEM)")
	flags.StringVar(&o.spark, "spark", "", "spark-submit, or the folder of Spark (by default it is looked for)")
	flags.StringArrayVar(&o.conf, "spark-conf", nil, "a setting of each Spark: KEY=VALUE")
	flags.StringArrayVar(&o.packages, "spark-package", nil, "a package of each Spark, as Maven names it")
	_ = command.MarkFlagRequired("glue")
	command.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	return command
}

// serve answers until the context ends.
func (a *app) serve(ctx context.Context, o serving) error {
	if o.parallel <= 0 {
		o.parallel = max(runtime.NumCPU()/2, 1)
	}
	keys, err := o.keys(ctx)
	if err != nil {
		return err
	}
	secured, err := o.tls()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.glue)
	if err != nil {
		return &hindcast.Error{Code: hindcast.EServe, Class: hindcast.ClassPermanent, Cause: err,
			Message: fmt.Sprintf("%s cannot be listened at: %v", o.glue, err), Next: "give an address of this machine that is free: --glue 127.0.0.1:9443"}
	}
	server, err := o.open(keys)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	a.showServing(o, o.reachedAt(listener.Addr(), secured))

	web := &http.Server{Handler: server, TLSConfig: secured, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	ended := make(chan error, 1)
	go func() {
		if secured != nil {
			ended <- web.ServeTLS(listener, "", "") // the certificate is in the configuration
			return
		}
		ended <- web.Serve(listener)
	}()
	select {
	case err = <-ended:
		err = &hindcast.Error{Code: hindcast.EServe, Class: hindcast.ClassPermanent, Cause: err, Message: fmt.Sprintf("the server ended: %v", err)}
	case <-ctx.Done():
		closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = web.Shutdown(closing)
	}
	return errors.Join(err, server.Close())
}

// keys are those that requests must be signed with; nil if any will do, for programs of this machine alone.
func (o serving) keys(ctx context.Context) (*glueserver.Keys, error) {
	if o.credentials != "" {
		keys, err := glueserver.ReadKeys(ctx, o.credentials, o.profile)
		if err != nil {
			return nil, err
		}
		if o.certificate != "" || loopbackAddress(o.glue) {
			return keys, nil
		}
	}
	if loopbackAddress(o.glue) {
		return nil, nil
	}
	return nil, &hindcast.Error{Code: hindcast.EServe, Class: hindcast.ClassPermanent,
		Message: o.glue + " can be reached from other machines, and whoever reaches this server runs programs here",
		Next:    "give it 127.0.0.1, or keys and TLS: --credentials, --tls-cert and --tls-key"}
}

// tls is the configuration with the certificate; nil without one.
func (o serving) tls() (*tls.Config, error) {
	if o.certificate == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(o.certificate, o.key)
	if err != nil {
		return nil, &hindcast.Error{Code: hindcast.EServe, Class: hindcast.ClassPermanent, Cause: err,
			Message: fmt.Sprintf("%s and %s are not a certificate and its key: %v", o.certificate, o.key, err), Next: "give both as PEM: --tls-cert server.crt --tls-key server.key"}
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// loopbackAddress reports whether only this machine reaches an address. A name other than localhost may be of any machine.
func loopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// open opens the server with what runs its scripts.
func (o serving) open(keys *glueserver.Keys) (*glueserver.Server, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	state, err := filepath.Abs(o.state)
	if err != nil {
		return nil, err
	}
	runner, err := launch.New(launch.Options{
		Dir: filepath.Join(state, "runs"), Root: root, Hindcast: []string{drivers.Self()}, Threads: max(runtime.NumCPU()/o.parallel, 1),
		Conf: o.conf, Packages: o.packages, Fetch: drivers.Object,
		Spark: func(ctx context.Context) (sparkhome.Home, error) {
			return sparkhome.Find(ctx, sparkhome.Options{Submit: absolute(o.spark)})
		},
	})
	if err != nil {
		return nil, &hindcast.Error{Code: hindcast.EServe, Class: hindcast.ClassPermanent, Cause: err,
			Message: fmt.Sprintf("%s cannot be used: %v", o.state, err), Next: "give the server a folder that it can write with --state"}
	}
	return glueserver.Open(glueserver.Options{State: state, Runner: runner, Limits: o.limits, Parallel: o.parallel, Keys: keys})
}

// absolute is a path from this folder on; "" stays.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil && path != "" {
		return whole
	}
	return path
}

// reachedAt is HOST:PORT as clients write it: the host that was given, by which a certificate may know it. One that stands for all of the
// machine's addresses is nobody's to connect to: then it is the certificate's first name, or else the machine's.
func (o serving) reachedAt(at net.Addr, secured *tls.Config) string {
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return at.String()
	}
	host, _, _ := net.SplitHostPort(o.glue) // it was listened at
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		return net.JoinHostPort(host, port)
	}

	if secured != nil {
		leaf := secured.Certificates[0].Leaf
		for _, name := range leaf.DNSNames {
			if !strings.HasPrefix(name, "*") {
				return net.JoinHostPort(name, port)
			}
		}
		if len(leaf.IPAddresses) > 0 {
			return net.JoinHostPort(leaf.IPAddresses[0].String(), port)
		}
	}
	if name, err := os.Hostname(); err == nil {
		return net.JoinHostPort(name, port)
	}
	return net.JoinHostPort("localhost", port)
}

// showServing says where the server answers.
func (a *app) showServing(o serving, at string) {
	scheme := "http"
	if o.certificate != "" {
		scheme = "https"
	}
	url := scheme + "://" + at
	if a.json {
		_ = json.NewEncoder(a.out).Encode(map[string]string{"glue": url, "state": o.state})
		return
	}
	_, _ = fmt.Fprintf(a.out, "the Glue API is at %s, its jobs and runs are in %s\n\n  aws --endpoint-url %s glue list-jobs\n", url, a.plain(o.state), url)
}
