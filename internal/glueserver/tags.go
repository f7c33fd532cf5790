package glueserver

import (
	"context"
	"strings"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// taggedJob is the job that a resource's name means.
func (s *Server) taggedJob(arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6) // arn:aws:glue:REGION:ACCOUNT:job/NAME
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "glue" {
		return "", jobs.Faultf(jobs.InvalidInput, "ResourceArn %q is not one of Glue", arn)
	}
	name, is := strings.CutPrefix(parts[5], "job/")
	if !is {
		return "", jobs.Faultf(jobs.InvalidInput, "this server has tags of jobs alone, not of %s", parts[5])
	}
	return name, nil
}

func (s *Server) getTags(_ context.Context, r struct{ ResourceArn string }) (any, error) {
	name, err := s.taggedJob(r.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := s.book.Tags(name)
	return struct{ Tags map[string]string }{tags}, err
}

func (s *Server) tagResource(_ context.Context, r struct {
	ResourceArn string
	TagsToAdd   map[string]string
}) (any, error) {
	name, err := s.taggedJob(r.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := jobs.CheckTags(r.TagsToAdd); err != nil {
		return nil, err
	}
	return nothing{}, s.book.Tag(name, r.TagsToAdd, nil)
}

func (s *Server) untagResource(_ context.Context, r struct {
	ResourceArn  string
	TagsToRemove []string
}) (any, error) {
	name, err := s.taggedJob(r.ResourceArn)
	if err != nil {
		return nil, err
	}
	return nothing{}, s.book.Tag(name, nil, r.TagsToRemove)
}
