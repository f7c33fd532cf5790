package resize

import (
	"context"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/awsredshift"
)

// workgroup is one of Redshift Serverless. Its size is its base capacity in RPU.
type workgroup struct {
	name   string
	client *awsquery.Client
}

func openWorkgroup(ctx context.Context, rules hindcast.Resize) (*workgroup, error) {
	client, err := awsquery.Open(ctx, rules.Region)
	if err != nil {
		return nil, err
	}
	return &workgroup{name: rules.Workgroup, client: client.Once()}, nil
}

func (w *workgroup) json(ctx context.Context, action string, in, out any) error {
	return w.client.JSON(ctx, awsquery.RedshiftServerless, action, in, out)
}

func (w *workgroup) look(ctx context.Context) (standing, error) {
	is, err := awsredshift.GetWorkgroup(ctx, w.client, w.name)
	if err != nil {
		return standing{}, err
	}
	now := standing{size: is.RPU, state: is.State(), settled: is.Status == "AVAILABLE", arn: is.ARN, tags: map[string]string{}}

	var tags struct {
		Tags []struct{ Key, Value string }
	}
	if err := w.json(ctx, "ListTagsForResource", map[string]string{"resourceArn": now.arn}, &tags); err != nil {
		return standing{}, err
	}
	for _, t := range tags.Tags {
		now.tags[t.Key] = t.Value
	}
	return now, nil
}

// allowed knows nothing: Amazon has no action that says it, and the pipeline file is held to the documented capacities.
func (w *workgroup) allowed(context.Context, standing, func(func() error) error) ([]int, error) {
	return nil, nil
}

func (w *workgroup) ask(ctx context.Context, size int) error {
	return w.json(ctx, "UpdateWorkgroup", map[string]any{"workgroupName": w.name, "baseCapacity": size}, &struct{}{})
}

func (w *workgroup) why(context.Context) string { return "" }

func (w *workgroup) tag(ctx context.Context, now standing, key, value string) error {
	return w.json(ctx, "TagResource", map[string]any{"resourceArn": now.arn, "tags": []map[string]string{{"key": key, "value": value}}}, &struct{}{})
}

func (w *workgroup) untag(ctx context.Context, now standing, key string) error {
	return w.json(ctx, "UntagResource", map[string]any{"resourceArn": now.arn, "tagKeys": []string{key}}, &struct{}{})
}
