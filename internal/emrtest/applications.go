package emrtest

import (
	"encoding/json"
	"regexp"
	"time"
)

// The states of applications.
const (
	creating   = "CREATING"
	created    = "CREATED"
	starting   = "STARTING"
	started    = "STARTED"
	stopping   = "STOPPING"
	stopped    = "STOPPED"
	terminated = "TERMINATED"
)

// application is one, with its runs, the oldest first.
type application struct {
	id, state string
	made      time.Time
	changed   time.Time
	asked     createApplication
	runs      []*run
	tokens    map[string]*run
	slots     chan struct{} // as many as run at the same time; nil bounds nothing
}

// createApplication is the request for one.
type createApplication struct {
	Name                   string            `json:"name,omitempty"`
	ReleaseLabel           string            `json:"releaseLabel"`
	Type                   string            `json:"type"`
	ClientToken            string            `json:"clientToken,omitempty"`
	MaximumCapacity        json.RawMessage   `json:"maximumCapacity,omitempty"`
	Tags                   map[string]string `json:"tags,omitempty"`
	AutoStartConfiguration *struct {
		Enabled *bool `json:"enabled,omitempty"`
	} `json:"autoStartConfiguration,omitempty"`
	AutoStopConfiguration  json.RawMessage `json:"autoStopConfiguration,omitempty"`
	SchedulerConfiguration *struct {
		QueueTimeoutMinutes *int `json:"queueTimeoutMinutes,omitempty"`
		MaxConcurrentRuns   *int `json:"maxConcurrentRuns,omitempty"`
	} `json:"schedulerConfiguration,omitempty"`
	MonitoringConfiguration json.RawMessage `json:"monitoringConfiguration,omitempty"`
	NetworkConfiguration    json.RawMessage `json:"networkConfiguration,omitempty"` // which is only said back
}

const account = "000000000000"

func (a *application) arn() string {
	return "arn:aws:emr-serverless:us-east-1:" + account + ":/applications/" + a.id
}

// autoStart reports whether runs start it.
func (a *application) autoStart() bool {
	c := a.asked.AutoStartConfiguration
	return c == nil || c.Enabled == nil || *c.Enabled
}

var label = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,64}$`)

func (s *Server) createApplication(r request) (any, error) {
	var in createApplication
	if err := r.read(&in); err != nil {
		return nil, err
	}
	switch {
	case !label.MatchString(in.ReleaseLabel):
		return nil, invalid("releaseLabel is %q", in.ReleaseLabel)
	case in.Type == "" || in.ClientToken == "":
		return nil, invalid("type and clientToken are required")
	}
	a := &application{id: s.id(), state: creating, made: time.Now(), changed: time.Now(), asked: in, tokens: map[string]*run{}}
	if c := in.SchedulerConfiguration; c != nil {
		n := 15
		if c.MaxConcurrentRuns != nil {
			n = *c.MaxConcurrentRuns
		}
		if n < 1 || n > 1000 {
			return nil, invalid("maxConcurrentRuns must be from 1 to 1000; it is %d", n)
		}
		a.slots = make(chan struct{}, n)
	}
	s.applications[a.id] = a
	return map[string]any{"applicationId": a.id, "name": in.Name, "arn": a.arn()}, nil
}

// found is the application of a request.
func (s *Server) found(r request) (*application, error) {
	a := s.applications[r.PathValue("a")]
	if a == nil {
		return nil, notFound("Application %s does not exist", r.PathValue("a"))
	}
	return a, nil
}

// next are the states that others become by themselves: here, whenever they were asked for.
var next = map[string]string{creating: created, starting: started, stopping: stopped}

func (a *application) become(state string) {
	a.state, a.changed = state, time.Now()
}

func (s *Server) getApplication(r request) (any, error) {
	a, err := s.found(r)
	if err != nil {
		return nil, err
	}
	in := a.asked
	out := map[string]any{"applicationId": a.id, "arn": a.arn(), "releaseLabel": in.ReleaseLabel, "type": in.Type, "state": a.state,
		"createdAt": instant(a.made), "updatedAt": instant(a.changed), "architecture": "X86_64",
		"autoStartConfiguration": map[string]bool{"enabled": a.autoStart()}}
	for key, value := range map[string]json.RawMessage{"maximumCapacity": in.MaximumCapacity, "autoStopConfiguration": in.AutoStopConfiguration,
		"monitoringConfiguration": in.MonitoringConfiguration, "networkConfiguration": in.NetworkConfiguration} {
		if value != nil {
			out[key] = value
		}
	}
	if in.Name != "" {
		out["name"] = in.Name
	}
	if in.Tags != nil {
		out["tags"] = in.Tags
	}
	if a.slots != nil {
		out["schedulerConfiguration"] = map[string]int{"maxConcurrentRuns": cap(a.slots), "queueTimeoutMinutes": 360}
	}
	if then := next[a.state]; then != "" {
		a.become(then)
	}
	return map[string]any{"application": out}, nil
}

func (s *Server) listApplications(request) (any, error) {
	list := []any{}
	for _, a := range s.applications {
		list = append(list, map[string]any{"id": a.id, "arn": a.arn(), "releaseLabel": a.asked.ReleaseLabel, "type": a.asked.Type, "state": a.state,
			"createdAt": instant(a.made), "updatedAt": instant(a.changed)})
	}
	return map[string]any{"applications": list}, nil
}

// move has the application become a state, if it is in one of those from which it can.
func (s *Server) move(r request, to string, from ...string) (any, error) {
	a, err := s.found(r)
	if err != nil {
		return nil, err
	}
	for _, is := range from {
		if a.state == is {
			a.become(to)
			return struct{}{}, nil
		}
	}
	return nil, invalid("Application %s is %s", a.id, a.state)
}

func (s *Server) startApplication(r request) (any, error) {
	return s.move(r, starting, created, stopped, starting, started)
}

func (s *Server) stopApplication(r request) (any, error) {
	return s.move(r, stopping, started, stopping, stopped)
}

func (s *Server) deleteApplication(r request) (any, error) {
	return s.move(r, terminated, created, stopped)
}
