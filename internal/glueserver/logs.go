package glueserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

func (s *Server) logOperations() map[string]operation {
	return map[string]operation{"FilterLogEvents": call(s.filterLogEvents), "GetLogEvents": call(s.getLogEvents)}
}

// event is a line of a log. Lines have no times of their own: all of them have that of their run's start.
type event struct {
	Stream    string `json:"logStreamName,omitempty"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
	Ingested  int64  `json:"ingestionTime"`
	ID        string `json:"eventId,omitempty"`
}

// What an answer has of a log at most, as CloudWatch has it.
const (
	mostEvents   = 10_000
	mostLogBytes = 1 << 20
)

func noLog(what string) error {
	return jobs.Faultf("ResourceNotFoundException", "The specified %s does not exist.", what)
}

// open opens a run's stream: group is /aws-glue/jobs/output, or error, and the stream is named like the run.
func (s *Server) open(group, stream string) (io.ReadSeekCloser, jobs.Run, error) {
	run, there := s.book.Logged(stream)
	if !there {
		return nil, run, noLog("log stream")
	}
	of, is := strings.CutPrefix(group, run.LogGroupName+"/")
	if !is || of != string(jobs.Output) && of != string(jobs.Errors) {
		return nil, run, noLog("log group")
	}
	log, err := s.options.Runner.Log(run.ID, jobs.Stream(of))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, run, noLog("log stream")
	}
	return log, run, err
}

// read reads whole lines from an offset on, as many as an answer has, and returns the offset after them. The last line of a run
// that has ended need not be whole.
func read(log io.ReadSeeker, from int64, most int, ended bool) (lines []string, next int64, err error) {
	if _, err := log.Seek(from, io.SeekStart); err != nil {
		return nil, from, err
	}
	text := make([]byte, mostLogBytes)
	n, err := io.ReadFull(log, text)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, from, err
	}
	text, next = text[:n], from
	for len(text) > 0 && len(lines) < most {
		end := bytes.IndexByte(text, '\n')
		switch {
		case end >= 0:
			lines, next, text = append(lines, string(text[:end])), next+int64(end)+1, text[end+1:]
		case ended || len(text) == mostLogBytes:
			lines, next, text = append(lines, string(text)), next+int64(len(text)), nil
		default:
			return lines, next, nil
		}
	}
	return lines, next, nil
}

func (s *Server) filterLogEvents(_ context.Context, r struct {
	LogGroupName   string   `json:"logGroupName"`
	LogStreamNames []string `json:"logStreamNames"`
	StartTime      *int64   `json:"startTime"`
	EndTime        *int64   `json:"endTime"`
	FilterPattern  string   `json:"filterPattern"`
	NextToken      string   `json:"nextToken"`
	Limit          *int     `json:"limit"`
}) (any, error) {
	if len(r.LogStreamNames) != 1 || r.FilterPattern != "" {
		return nil, jobs.Faultf("InvalidParameterException", "this server filters the events of one stream, without a pattern")
	}
	from, most, err := where(r.NextToken, "n", r.Limit)
	if err != nil {
		return nil, err
	}
	log, run, err := s.open(r.LogGroupName, r.LogStreamNames[0])
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // it was only read

	answer := struct {
		Events    []event `json:"events"`
		Searched  []any   `json:"searchedLogStreams"`
		NextToken string  `json:"nextToken,omitempty"`
	}{[]event{}, []any{}, ""}
	at := time.Time(*run.StartedOn).UnixMilli()
	if r.StartTime != nil && at < *r.StartTime || r.EndTime != nil && at >= *r.EndTime {
		return answer, nil
	}
	lines, next, err := read(log, from, most, run.JobRunState.Final())
	if err != nil {
		return nil, err
	}
	for i, line := range lines {
		answer.Events = append(answer.Events, event{run.ID, at, line, at, fmt.Sprintf("%020d%09d", from, i)})
	}
	if more, _, err := read(log, next, 1, run.JobRunState.Final()); err == nil && len(more) > 0 {
		answer.NextToken = "n/" + strconv.FormatInt(next, 10)
	}
	return answer, nil
}

func (s *Server) getLogEvents(_ context.Context, r struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
	NextToken     string `json:"nextToken"`
	StartFromHead bool   `json:"startFromHead"`
	Limit         *int   `json:"limit"`
}) (any, error) {
	from, most, err := where(r.NextToken, "f", r.Limit)
	if err != nil {
		return nil, err
	}
	log, run, err := s.open(r.LogGroupName, r.LogStreamName)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // it was only read
	if r.NextToken == "" && !r.StartFromHead {
		if from, err = beforeEnd(log, most); err != nil {
			return nil, err
		}
	}

	lines, next, err := read(log, from, most, run.JobRunState.Final())
	if err != nil {
		return nil, err
	}
	at := time.Time(*run.StartedOn).UnixMilli()
	events := []event{}
	for _, line := range lines {
		events = append(events, event{Timestamp: at, Message: line, Ingested: at})
	}
	return struct {
		Events   []event `json:"events"`
		Forward  string  `json:"nextForwardToken"`
		Backward string  `json:"nextBackwardToken"`
	}{events, "f/" + strconv.FormatInt(next, 10), "b/" + strconv.FormatInt(from, 10)}, nil
}

// beforeEnd is the offset of the last lines of a log, at most so many.
func beforeEnd(log io.ReadSeeker, most int) (int64, error) {
	size, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	begin := max(0, size-mostLogBytes)
	lines, _, err := read(log, begin, mostLogBytes, true)
	if err != nil {
		return 0, err
	}
	if begin > 0 && len(lines) > 1 { // the first one is cut
		begin, lines = begin+int64(len(lines[0]))+1, lines[1:]
	}
	for ; len(lines) > most; lines = lines[1:] {
		begin += int64(len(lines[0])) + 1
	}
	return begin, nil
}

// where is the offset that a token means, and how many events are asked for.
func where(token, kind string, limit *int) (from int64, most int, err error) {
	most = mostEvents
	if limit != nil {
		if most = *limit; most < 1 || most > mostEvents {
			return 0, 0, jobs.Faultf("InvalidParameterException", "limit must be from 1 to %d", mostEvents)
		}
	}
	if token == "" {
		return 0, most, nil
	}
	text, is := strings.CutPrefix(token, kind+"/")
	from, err = strconv.ParseInt(text, 10, 64)
	if !is || err != nil || from < 0 {
		return 0, 0, jobs.Faultf("InvalidParameterException", "the token %q is not one that goes on from here", token)
	}
	return from, most, nil
}
