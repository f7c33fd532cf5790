package emr

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/pause"
)

// why says what a state means of a run without an end.
var why = map[types.JobRunState]string{
	types.JobRunStateSuccess:   "says that it succeeded, and left no end: its script is not hindcast's",
	types.JobRunStateFailed:    "died",
	types.JobRunStateCancelled: "was cancelled",
}

// died is the error of a run that ended without an end.
func (e *Engine) died(ctx context.Context, w *work, r *types.JobRun) error {
	log, tail, missing := e.tail(ctx, r)
	if e.options.Log != nil && tail != "" {
		_, _ = fmt.Fprintf(e.options.Log, "the end of the log of EMR Serverless's run %s:\n%s\n", w.Run, tail) // a log is no reason to fail
	}
	said := awsspark.Died(fmt.Sprintf("the run %s of EMR Serverless's application %s %s", w.Run, w.Place, why[r.State]), aws.ToString(r.StateDetails), tail, missing)
	switch {
	case late(r):
		said.Code, said.Class, said.Message = hindcast.ETimeout, hindcast.ClassTransient, strings.TrimSuffix(said.Message, why[r.State])+"ran longer than emr_serverless.timeout"
		said.Next = "raise emr_serverless.timeout, or give a run more executors"
	case said.Code == hindcast.EMemory:
		said.Next = "give a run more memory: a larger emr_serverless.executor_memory, or more executors"
	case strings.Contains(aws.ToString(r.StateDetails)+tail, "ServiceQuotaExceeded"):
		said.Next = "ask for a higher quota of EMR Serverless, Max concurrent vCPUs per account, or lower emr_serverless.runs or executors"
	case log != "":
		said.Next = "read its log: " + log
	default:
		said.Next = "look at it: aws emr-serverless get-job-run --application-id " + w.Place + " --job-run-id " + w.Run
	}
	return said
}

// late reports whether a run was cancelled for its timeout. There is no state of its own for that.
func late(r *types.JobRun) bool {
	limit := time.Duration(aws.ToInt64(r.ExecutionTimeoutMinutes)) * time.Minute
	took := time.Duration(aws.ToInt32(r.TotalExecutionDurationSeconds)) * time.Second
	return r.State != types.JobRunStateSuccess && limit > 0 && took >= limit
}

// logLooks are how many times the pace is waited before each look for a log: EMR Serverless writes it every 15 seconds.
var logLooks = []int{0, 2, 8}

// tail is the end of a run's log, from its place in S3; missing says why there is none.
func (e *Engine) tail(ctx context.Context, r *types.JobRun) (log, tail, missing string) {
	folder := logURI(r)
	below, ours := strings.CutPrefix(folder, e.options.Store.URL()+"/")
	if !ours {
		return "", "", "it has no log below the lake"
	}
	driver := "applications/" + aws.ToString(r.ApplicationId) + "/jobs/" + aws.ToString(r.JobRunId) + "/SPARK_DRIVER/"
	for _, n := range logLooks {
		if err := pause.For(ctx, time.Duration(n)*e.options.Pace); err != nil {
			return "", "", "its log cannot be read: " + err.Error()
		}
		for _, name := range []string{"stderr.gz", "stdout.gz"} {
			body, _, err := e.options.Store.Get(ctx, below+driver+name)
			if errors.Is(err, objstore.ErrNotExist) {
				continue
			}
			if err == nil {
				tail, err = last(body)
			}
			if err != nil {
				return "", "", "its log cannot be read: " + err.Error()
			}
			if tail != "" {
				return folder + driver + name, tail, ""
			}
		}
	}
	return "", "", "it has no log in " + folder + driver
}

// logURI is where a run's logs are put, with a slash at its end; "" if that is not S3.
func logURI(r *types.JobRun) string {
	if o := r.ConfigurationOverrides; o != nil && o.MonitoringConfiguration != nil && o.MonitoringConfiguration.S3MonitoringConfiguration != nil {
		return strings.TrimSuffix(aws.ToString(o.MonitoringConfiguration.S3MonitoringConfiguration.LogUri), "/") + "/"
	}
	return ""
}

const (
	tailed = 100      // lines
	kept   = 64 << 10 // bytes, at least
)

// last is the end of a compressed log.
func last(body []byte) (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	var end []byte
	chunk := make([]byte, kept)
	for {
		n, err := io.ReadFull(z, chunk)
		end = append(end[max(0, len(end)-kept):], chunk[:n]...)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // of a log that is cut off, what there is of it is read
			break
		}
		if err != nil {
			return "", err
		}
	}
	lines := strings.Split(strings.TrimSpace(string(end)), "\n")
	return strings.TrimSpace(strings.Join(lines[max(0, len(lines)-tailed):], "\n")), nil
}
