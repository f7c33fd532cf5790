//go:build unix

package control

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Workgroup is one of Redshift Serverless. What is exported is set before it is added.
type Workgroup struct {
	Name     string
	RPU      int // its base capacity
	Tags     map[string]string
	Resizing func()   // called when a change of it begins; may be nil
	Database Database // what credentials let into, and where it is; may be nil

	change *change
}

// leastRPUStep is the step of base capacities up to 512.
const leastRPUStep = 8

// AddWorkgroups adds workgroups.
func (s *Server) AddWorkgroups(workgroups ...*Workgroup) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, w := range workgroups {
		if w.Tags == nil {
			w.Tags = map[string]string{}
		}
		s.workgroups[w.Name] = w
	}
}

// Workgroup is what a workgroup is now, by a copy.
func (s *Server) Workgroup(name string) Workgroup {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	w := *s.workgroups[name]
	w.Tags = maps.Clone(w.Tags)
	return w
}

// Settled reports whether no change of it is under way.
func (w Workgroup) Settled() bool { return w.change == nil }

// workgroupActions are the actions of Redshift Serverless, by their names.
func workgroupActions() map[string]jsonAction {
	actions := credentialCalls()
	maps.Copy(actions, map[string]jsonAction{
		"GetWorkgroup":        (*Server).getWorkgroup,
		"UpdateWorkgroup":     (*Server).updateWorkgroup,
		"ListTagsForResource": (*Server).listTags,
		"TagResource":         (*Server).tagResource,
		"UntagResource":       (*Server).untagResource,
	})
	return actions
}

// modifying is how many looks a change of a workgroup takes.
const modifying = 2

func (w *Workgroup) advance() {
	if w.change == nil {
		return
	}
	if w.change.fresh && w.Resizing != nil {
		w.Resizing()
	}
	w.change.fresh = false
	if w.change.at++; w.change.at >= modifying {
		if !w.change.failed {
			w.RPU = w.change.to
		}
		w.change = nil
	}
}

func (w *Workgroup) arn() string {
	return fmt.Sprintf("arn:aws:redshift-serverless:%s:%s:workgroup/%s", Region, Account, w.Name)
}

func (w *Workgroup) member() map[string]any {
	status := "AVAILABLE"
	if w.change != nil {
		status = "MODIFYING"
	}
	is := map[string]any{"workgroupName": w.Name, "workgroupArn": w.arn(), "namespaceName": "default", "status": status,
		"baseCapacity": w.RPU, "creationDate": "2026-11-01T00:00:00Z", "port": 5439}
	if at := endpointOf(w.Database); at != nil {
		is["endpoint"] = map[string]any{"address": at.Address, "port": at.Port}
	}
	return map[string]any{"workgroup": is}
}

// workgroup is the one that a body names.
func (s *Server) workgroup(name string) (*Workgroup, *Refusal) {
	if w := s.workgroups[name]; w != nil {
		return w, nil
	}
	return nil, refuse(http.StatusBadRequest, "ResourceNotFoundException", "The workgroup %s was not found.", name)
}

// decode reads a body that has no other members than those of in.
func decode(body []byte, in any) *Refusal {
	if err := json.Unmarshal(body, in); err != nil {
		return refuse(http.StatusBadRequest, "ValidationException", "%v", err)
	}
	return nil
}

func (s *Server) getWorkgroup(body []byte) (any, *Refusal) {
	var in struct{ WorkgroupName string }
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	w, refused := s.workgroup(in.WorkgroupName)
	if refused != nil {
		return nil, refused
	}
	answer := w.member()
	if !s.held {
		w.advance()
	}
	return answer, nil
}

func (s *Server) updateWorkgroup(body []byte) (any, *Refusal) {
	var members map[string]json.RawMessage
	var in struct {
		WorkgroupName string
		BaseCapacity  int
	}
	if refused := decode(body, &members); refused != nil {
		return nil, refused
	}
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	w, refused := s.workgroup(in.WorkgroupName)
	switch {
	case refused != nil:
		return nil, refused
	case len(members) != 2 || in.BaseCapacity == 0: // the name, and one that is changed
		return nil, refuse(http.StatusBadRequest, "ValidationException", "Exactly one property can be updated in a request.")
	case !baseCapacity(in.BaseCapacity):
		return nil, refuse(http.StatusBadRequest, "ValidationException", "The base capacity %d is not valid.", in.BaseCapacity)
	case w.change != nil:
		return nil, refuse(http.StatusBadRequest, "ConflictException", "There is an operation running on the workgroup.")
	}
	w.change = &change{from: w.RPU, to: in.BaseCapacity, fresh: true}
	return w.member(), nil
}

// baseCapacity reports whether a workgroup can have it: 4, 8 to 512 in steps of 8, and to 1024 in steps of 32.
func baseCapacity(n int) bool {
	const small, most, large, step = 4, 512, 1024, 32
	return n == small || n >= leastRPUStep && n <= most && n%leastRPUStep == 0 || n > most && n <= large && n%step == 0
}

func (s *Server) taggedWorkgroup(arn string) (*Workgroup, *Refusal) {
	for _, w := range s.workgroups {
		if w.arn() == arn {
			return w, nil
		}
	}
	return nil, refuse(http.StatusBadRequest, "ResourceNotFoundException", "%s was not found.", arn)
}

func (s *Server) listTags(body []byte) (any, *Refusal) {
	var in struct{ ResourceArn string }
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	w, refused := s.taggedWorkgroup(in.ResourceArn)
	if refused != nil {
		return nil, refused
	}
	tags := []map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(w.Tags)) {
		tags = append(tags, map[string]string{"key": key, "value": w.Tags[key]})
	}
	return map[string]any{"tags": tags}, nil
}

func (s *Server) tagResource(body []byte) (any, *Refusal) {
	var in struct {
		ResourceArn string
		Tags        []struct{ Key, Value string }
	}
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	w, refused := s.taggedWorkgroup(in.ResourceArn)
	if refused != nil {
		return nil, refused
	}
	for _, t := range in.Tags {
		if refused := checkTag(t.Key, t.Value, "ValidationException"); refused != nil {
			return nil, refused
		}
		w.Tags[t.Key] = t.Value
	}
	return struct{}{}, nil
}

func (s *Server) untagResource(body []byte) (any, *Refusal) {
	var in struct {
		ResourceArn string
		TagKeys     []string
	}
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	w, refused := s.taggedWorkgroup(in.ResourceArn)
	if refused != nil {
		return nil, refused
	}
	for _, key := range in.TagKeys {
		delete(w.Tags, key)
	}
	return struct{}{}, nil
}
