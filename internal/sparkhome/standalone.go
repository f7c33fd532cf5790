package sparkhome

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
)

// Cluster is a standalone cluster of Spark, asked by its masters' web pages.
type Cluster struct {
	Masters []string // HOST:PORT; one of them leads
	web     string   // the port of their web pages, which is known by convention only
}

// Standalone is the cluster that a master names; ok is false if it is of another kind.
func Standalone(master string, env []string) (c Cluster, ok bool) {
	rest, ok := strings.CutPrefix(master, "spark://")
	web := ""
	for _, variable := range env {
		if value, is := strings.CutPrefix(variable, "SPARK_MASTER_WEBUI_PORT="); is {
			web = value
		}
	}
	return Cluster{strings.Split(rest, ","), cmp.Or(web, "8080")}, ok
}

// Page is what a master says of its cluster.
type Page struct {
	URL     string `json:"url"`
	Status  string `json:"status"`       // ALIVE if it leads
	Alive   int    `json:"aliveworkers"` // how many are
	Cores   int    `json:"cores"`        // of these
	Memory  int64  `json:"memory"`       // of these, in MiB
	Workers []struct {
		State string `json:"state"`
		Cores int    `json:"cores"`
	} `json:"workers"`
	Active []struct {
		Name  string `json:"name"`
		State string `json:"state"`
	} `json:"activeapps"`
}

// Leads reports whether the master leads its cluster: the others know nothing of it.
func (p Page) Leads() bool { return p.Status == "ALIVE" }

// Runs reports whether an application of that name has not ended.
func (p Page) Runs(name string) bool {
	for _, a := range p.Active {
		if a.Name == name && a.State != "FINISHED" && a.State != "KILLED" && a.State != "FAILED" {
			return true
		}
	}
	return false
}

// Page asks the master that leads.
func (c Cluster) Page(ctx context.Context) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	var failures []error
	for _, master := range c.Masters {
		p, err := c.page(ctx, master)
		if err == nil && p.Leads() {
			return p, nil
		}
		if err == nil {
			err = fmt.Errorf("the master %s is %s", master, strings.ToLower(p.Status))
		}
		failures = append(failures, err)
	}
	return Page{}, errors.Join(failures...)
}

// at is where the web page of the master at HOST:PORT should be.
func (c Cluster) at(master string) string {
	host, _, err := net.SplitHostPort(master)
	if err != nil {
		host = master
	}
	return net.JoinHostPort(host, c.web)
}

// page reads the web page of the master at HOST:PORT. The page of another one does not count.
func (c Cluster) page(ctx context.Context, master string) (p Page, err error) {
	_, port, err := net.SplitHostPort(master)
	if err != nil {
		return p, err
	}
	at := c.at(master)
	text, err := get(ctx, "http://"+at+"/json/")
	if err != nil || json.Unmarshal(text, &p) != nil || !strings.HasPrefix(p.URL, "spark://") || !strings.HasSuffix(p.URL, ":"+port) {
		return Page{}, fmt.Errorf("its web page is not at %s: SPARK_MASTER_WEBUI_PORT says where it is", at)
	}
	return p, nil
}

// version is what a master's page says that it runs; "" if it does not.
func (c Cluster) version(ctx context.Context, master string) string {
	text, err := get(ctx, "http://"+c.at(master)+"/")
	if m := shownVersion.FindSubmatch(text); err == nil && m != nil {
		return string(m[1])
	}
	return ""
}

// Refused reports whether nobody listens where the masters should.
func (c Cluster) Refused(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	return !slices.ContainsFunc(c.Masters, func(master string) bool { return reach(ctx, master) == nil })
}

// reach connects to HOST:PORT and says nothing.
func reach(ctx context.Context, host string) error {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	return connection.Close()
}

// get reads a page, up to a size that none should have.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, 8<<20))
}
