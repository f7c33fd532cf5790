package spark

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/process"
	"github.com/hindcast/hindcast/internal/sparksql"
)

// sessionMemory is what a binder's session has at least.
const sessionMemory = 1 << 30

// Keep has the session stay so long after the last request, for processes that have the same settings and environment. One
// with settings that are not to be seen is never kept: what it was given could not be compared.
func (b *Binder) Keep(d time.Duration) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.keep, b.ends = d, d <= 0
}

// call asks the session, which it starts if there is none, and waits for the end.
func (b *Binder) call(ctx context.Context, r sparksql.Request, limits engine.Limits) (sparksql.End, error) {
	o, err := b.give(&r, limits)
	if err != nil {
		return sparksql.End{}, err
	}
	is, err := b.await(ctx, o, r.End)
	if err != nil {
		b.mutex.Lock()
		b.doubt = true
		b.mutex.Unlock()
		return sparksql.End{}, err
	}
	if o.kept {
		_ = os.Remove(r.End) // with the rows of a query; otherwise it goes with the session
	}
	return is, nil
}

// give puts the request into the session's inbox.
func (b *Binder) give(r *sparksql.Request, limits engine.Limits) (*ours, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.closed {
		return nil, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "the engine is closed"}
	}
	if b.own != nil && b.own.dead() {
		_ = b.own.remove()
		b.own = nil
	}

	if b.own == nil {
		b.own = b.engine.warm()
	}
	if b.own != nil && b.post(r) == nil {
		return b.own, nil
	}
	if b.own == nil || b.own.kept { // one that was kept has just ended by itself
		var err error
		if b.own, err = b.start(r.Kind, limits); err != nil {
			return nil, err
		}
	}
	if err := b.post(r); err != nil {
		return nil, fmt.Errorf("asking a session of Spark: %w", err)
	}
	return b.own, nil
}

// post writes the request. Other processes may do so at the same time in a session that is kept.
func (b *Binder) post(r *sparksql.Request) error {
	b.number++
	number := b.number
	if b.own.kept {
		number = int(time.Now().UnixNano())
		r.Keep = b.keep.Seconds()
	}
	r.End = b.own.join(fmt.Sprintf("end-%06d.json", number))
	return b.own.ask(number, *r)
}

// start starts a session: one that is kept for queries by hand as a slice's transform would have it.
func (b *Binder) start(kind string, limits engine.Limits) (*ours, error) {
	b.say(kind)
	limits.Memory, limits.Threads = max(limits.Memory, sessionMemory), max(limits.Threads, 1)
	s := b.engine.submissionTo("local[*]", limits)
	keeps := b.keep > 0 && len(s.secret) == 0
	if keeps {
		if c := b.engine.options.Capacity; hindcast.LocalMaster(b.engine.options.Spark.Master) {
			limits.Memory = max(limits.Memory, c.Memory/int64(max(c.Slots, 1)))
		}
		limits.Threads = 0 // all
		s = b.engine.submissionTo("local[*]", limits)
		s.keep, s.key = b.keep, b.engine.sessionKey()
	}
	a, ended, err := b.engine.begin(s)
	if err != nil {
		return nil, err
	}
	return &ours{application: a, ended: ended, kept: keeps}, nil
}

// await waits for the end of a request.
func (b *Binder) await(ctx context.Context, o *ours, path string) (is sparksql.End, err error) {
	written, err := awaitEnd(ctx, path, o.ended, func() bool { return o.ended != nil || o.alive() })
	if err != nil {
		return is, err
	}
	if !written {
		return is, b.engine.died(o.application)
	}
	err = read(path, &is)
	return is, err
}

// warm is a session that another process keeps and that has nothing to do; nil if there is none.
func (e *Engine) warm() *ours {
	us, err := process.This()
	if err != nil || len(e.submissionTo("local[*]", engine.Limits{}).secret) > 0 {
		return nil
	}
	all, err := applications(e.options.Dir)
	if err != nil {
		return nil // whoever starts one is told
	}
	key := e.sessionKey()
	for _, a := range all {
		var is about
		if read(a.join(aboutFile), &is) == nil && is.Keep > 0 && is.Host == us.Host && is.Key == key && there(a.join(runningFile)) && len(a.requests()) == 0 && a.alive() {
			return &ours{application: a, kept: true}
		}
	}
	return nil
}

// environment are beginnings of the names of variables by which Spark, Java and clients of storage are told what to do.
var environment = []string{"SPARK_", "PYSPARK_", "JAVA_", "JDK_", "HADOOP_", "YARN_", "AWS_", "KRB5"}

// sessionKey is equal for processes that can use one session.
func (e *Engine) sessionKey() string {
	o := e.options
	var env []string
	for _, variable := range o.Env {
		if slices.ContainsFunc(environment, func(start string) bool { return strings.HasPrefix(variable, start) }) {
			env = append(env, variable)
		}
	}
	slices.Sort(env)
	return hash(asJSON([]any{o.Submit, o.Version, driverHash, o.Spark.Conf, o.Spark.Packages, env}))
}

// Close ends the session, unless it is kept.
func (b *Binder) Close() error {
	b.mutex.Lock()
	b.closed = true
	o, stays := b.own, b.own != nil && b.own.kept && !b.ends && !b.doubt
	b.own = nil
	b.mutex.Unlock()
	if o == nil {
		return nil
	}
	if o.ended != nil {
		b.engine.noteStartUp(o.application)
	}
	if stays {
		return nil
	}
	if err := o.kill(b.engine.options.Env); err != nil {
		return err
	}
	return o.remove()
}
