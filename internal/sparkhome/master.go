package sparkhome

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// Master is what can be known of a master without running an application on it.
type Master struct {
	Master  string `json:"master"`
	State   string `json:"state"`             // in words
	Version string `json:"version,omitempty"` // of a standalone cluster
	Cores   int    `json:"cores,omitempty"`   // of this machine, or of a cluster's workers
	Memory  int64  `json:"memory,omitempty"`  // bytes of a cluster's workers
	Workers int    `json:"workers,omitempty"` // that are alive
}

// answer is how long a master may take to answer.
const answer = 5 * time.Second

// Ask asks a master how it is; cores are this machine's. What would keep an application from running there is returned as
// errors.
func Ask(ctx context.Context, home Home, master string, cores int, o Options) (Master, []*hindcast.Error) {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}

	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	s := &search{Options: o, ctx: ctx, home: home}
	m := Master{Master: master}
	switch scheme, rest, _ := strings.Cut(master, "://"); scheme {
	case "spark":
		c, _ := Standalone(master, o.Environ)
		s.standalone(&m, c)
	case "k8s":
		s.kubernetes(&m, rest)
	case "yarn":
		s.yarn(&m)
	default:
		local(&m, cores)
	}
	return m, s.faults
}

// local is a master of the form local, local[N] or local[*].
func local(m *Master, cores int) {
	m.Cores = cores
	m.State = fmt.Sprintf("%s of this machine", numbers.Counted(cores, "core"))
	n, fixed := strings.CutPrefix(strings.TrimSuffix(m.Master, "]"), "local[")
	if !fixed {
		n = "1"
	}
	if asked, err := strconv.Atoi(n); err == nil {
		m.Cores = asked
		m.State = fmt.Sprintf("%s; this machine has %d", numbers.Counted(asked, "thread"), cores)
	}
}

// standalone asks the masters of a cluster, of which one leads.
func (s *search) standalone(m *Master, c Cluster) {
	var failures []error
	for _, host := range c.Masters {
		if err := reach(s.ctx, host); err != nil {
			failures = append(failures, err)
			continue
		}

		m.State = "answers"
		page, err := c.page(s.ctx, host)
		if err != nil {
			m.State = "answers; nothing more is known, as " + err.Error()
			continue
		}
		if page.Leads() {
			m.Version = c.version(s.ctx, host)
			s.alive(m, host, page)
			return
		}
		m.State = "is " + strings.ToLower(page.Status)
	}

	if len(failures) == len(c.Masters) {
		s.fault("spark.master", fmt.Sprintf("correct spark.master, or start it there: %s org.apache.spark.deploy.master.Master", cmp.Or(s.class(), "spark-class")), "no master answers at %s: %v", m.Master, errors.Join(failures...))
		m.State = "does not answer"
	}
}

// alive says what the leading master has, and whether it is of the version that was found here.
func (s *search) alive(m *Master, host string, page Page) {
	m.Cores, m.Memory, m.Workers = page.Cores, page.Memory<<20, page.Alive
	m.State = fmt.Sprintf("%s alive, %s", numbers.Counted(page.Alive, "worker"), numbers.Counted(page.Cores, "core"))
	if page.Alive == 0 {
		s.fault("spark.master", fmt.Sprintf("start workers: %s org.apache.spark.deploy.worker.Worker %s", cmp.Or(s.class(), "spark-class"), m.Master),
			"the master at %s has no worker that is alive", host)
	}

	major, minor := number(m.Version)
	if here, second := number(s.home.Version); m.Version != "" && s.home.Version != "" && (major != here || minor != second) {
		s.fault("spark.master", "install the same version here, or start the cluster with this one", "the cluster runs Spark %s, and here is %s", m.Version, s.home.Version)
	}
}

func (s *search) class() string {
	if s.home.SparkHome == "" {
		return ""
	}
	return filepath.Join(s.home.SparkHome, "bin", "spark-class")
}

var shownVersion = regexp.MustCompile(`class="version"[^>]*>\s*([^<\s]+)`)

// kubernetes connects to the API server: whether it lets us in is only known when it is asked for something.
func (s *search) kubernetes(m *Master, rest string) {
	if !strings.Contains(rest, "://") {
		rest = "https://" + rest
	}
	u, err := url.Parse(rest)
	if err != nil || u.Hostname() == "" {
		s.fault("spark.master", "write k8s://HOST:PORT", "%s names no host", m.Master)
		m.State = "names no host"
		return
	}

	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if err := reach(s.ctx, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))); err != nil {
		s.fault("spark.master", "correct spark.master: kubectl cluster-info says where the API server is", "no API server answers at %s: %v", m.Master, err)
		m.State = "does not answer"
		return
	}
	m.State = "answers; whether it lets Spark in is known when a pod is asked for"
}

// yarn looks at the configuration that Spark finds YARN by.
func (s *search) yarn(m *Master) {
	conf := s.home.HadoopConf
	switch {
	case conf == "":
		s.fault("spark.master", "set HADOOP_CONF_DIR to the folder with yarn-site.xml", "neither HADOOP_CONF_DIR nor YARN_CONF_DIR is set, by which Spark finds YARN")
		m.State = "is not configured"
	case !present(filepath.Join(conf, "yarn-site.xml")):
		s.fault("spark.master", "set HADOOP_CONF_DIR to the folder with yarn-site.xml", "%s has no yarn-site.xml", conf)
		m.State = "is not configured"
	default:
		m.State = "configured in " + conf + "; whether it answers is known when it is given an application"
	}
}
