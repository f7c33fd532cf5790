package sparkhome_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sparkhome"
	"github.com/hindcast/hindcast/internal/sparktest"
)

func TestStandaloneMaster(t *testing.T) {
	cluster := sparktest.Start(t, "spark35")
	o := sparkhome.Options{Environ: bare("SPARK_MASTER_WEBUI_PORT=" + cluster.UI), Places: map[string]hindcast.Place{"spark.master": {Line: 7}}}
	home, err := sparkhome.Find(t.Context(), sparkhome.Options{Submit: cluster.SparkHome, Environ: bare()})
	if err != nil {
		t.Fatal(err)
	}

	_, faults := sparkhome.Ask(t.Context(), home, cluster.Master, 2, o)
	if len(faults) != 1 || !strings.Contains(faults[0].Message, "has no worker that is alive") || faults[0].Place.Line != 7 ||
		!strings.Contains(faults[0].Next, "bin/spark-class org.apache.spark.deploy.worker.Worker "+cluster.Master) {
		t.Errorf("without workers: %v", faults)
	}

	cluster.Worker(3, 640)
	m, faults := sparkhome.Ask(t.Context(), home, "spark://127.0.0.1:1,"+strings.TrimPrefix(cluster.Master, "spark://"), 2, o)
	if want := (sparkhome.Master{Master: m.Master, State: "1 worker alive, 3 cores", Version: "3.5.9", Cores: 3, Memory: 640 << 20, Workers: 1}); m != want || len(faults) > 0 {
		t.Errorf("got %+v, %v\nwant %+v", m, faults, want)
	}
	home.Version = "4.0.5"
	if _, faults := sparkhome.Ask(t.Context(), home, cluster.Master, 2, o); len(faults) != 1 || faults[0].Message != "the cluster runs Spark 3.5.9, and here is 4.0.5" {
		t.Errorf("another version: %v", faults)
	}

	// its page at a port that nobody told us, and at one that is something else's
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(other.URL, "http://"))
	for _, ui := range []string{"1", port} {
		m, faults = sparkhome.Ask(t.Context(), home, cluster.Master, 2, sparkhome.Options{Environ: bare("SPARK_MASTER_WEBUI_PORT=" + ui)})
		if !strings.HasPrefix(m.State, "answers; nothing more is known, as its web page is not at 127.0.0.1:"+ui) || len(faults) > 0 {
			t.Errorf("got %+v, %v", m, faults)
		}
	}

	cluster.Stop()
	if m, faults := sparkhome.Ask(t.Context(), home, cluster.Master, 2, o); m.State != "does not answer" || len(faults) != 1 || !strings.Contains(faults[0].Message, "no master answers at "+cluster.Master) {
		t.Errorf("stopped: %+v, %v", m, faults)
	}
}

func TestOtherMasters(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	api := strings.TrimPrefix(server.URL, "https://")
	conf := t.TempDir()
	if err := os.WriteFile(filepath.Join(conf, "yarn-site.xml"), []byte("<configuration/>"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		master, conf, state, missing string
		cores                        int
	}{
		{"local[*]", "", "2 cores of this machine", "", 2},
		{"local[4]", "", "4 threads; this machine has 2", "", 4},
		{"local", "", "1 thread; this machine has 2", "", 1},
		{"k8s://" + api, "", "answers; whether it lets Spark in", "", 0},
		{"k8s://https://" + api, "", "answers; whether it lets Spark in", "", 0},
		{"k8s://http://127.0.0.1:1", "", "does not answer", "no API server answers at k8s://http://127.0.0.1:1", 0},
		{"k8s://https:///x", "", "names no host", "k8s://https:///x names no host", 0},
		{"yarn", "", "is not configured", "neither HADOOP_CONF_DIR nor YARN_CONF_DIR is set", 0},
		{"yarn", t.TempDir(), "is not configured", "has no yarn-site.xml", 0},
		{"yarn", conf, "configured in " + conf, "", 0},
	} {
		t.Run(c.master, func(t *testing.T) {
			m, faults := sparkhome.Ask(t.Context(), sparkhome.Home{HadoopConf: c.conf}, c.master, 2, sparkhome.Options{Environ: bare()})
			if !strings.HasPrefix(m.State, c.state) || m.Cores != c.cores || (len(faults) > 0) != (c.missing != "") {
				t.Errorf("got %+v, %v", m, faults)
			}
			if len(faults) > 0 && !strings.Contains(faults[0].Message, c.missing) {
				t.Errorf("got %v", faults[0])
			}
		})
	}
}
