//go:build unix

package control_test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
)

// boto is Amazon's client for Python, which validates what it sends and parses what it gets by Amazon's models.
const boto = `
import boto3, botocore.exceptions
from botocore.config import Config
config = Config(parameter_validation=True, retries={'total_max_attempts': 1, 'mode': 'standard'})
c = boto3.client('redshift', config=config)
def state():
    d = c.describe_clusters(ClusterIdentifier='dw')['Clusters'][0]
    return d['ClusterStatus'], d['ClusterAvailabilityStatus'], d['NumberOfNodes'], type(d['NumberOfNodes']).__name__
print(state())
d = c.describe_clusters()['Clusters'][0]
print(len(d['Tags']), d['ElasticResizeNumberOfNodeOptions'], d['ClusterNamespaceArn'].split(':')[4])
pages = c.get_paginator('describe_node_configuration_options').paginate(ActionType='resize-cluster', ClusterIdentifier='dw')
print([(o['NodeType'], o['NumberOfNodes']) for p in pages for o in p['NodeConfigurationOptionList']])
def refused(call, **kw):
    try:
        call(**kw)
    except botocore.exceptions.ClientError as e:
        print(type(e).__name__, e.response['Error']['Code'], e.response['ResponseMetadata']['HTTPStatusCode'])
refused(c.describe_resize, ClusterIdentifier='dw')
refused(c.describe_clusters, ClusterIdentifier='nowhere')
refused(c.resize_cluster, ClusterIdentifier='dw', NumberOfNodes=7, Classic=False)
r = c.resize_cluster(ClusterIdentifier='dw', NumberOfNodes=8, Classic=False)['Cluster']
print(r['ClusterStatus'], r['ResizeInfo'], r['PendingModifiedValues'])
refused(c.resize_cluster, ClusterIdentifier='dw', NumberOfNodes=2)
print(c.describe_resize(ClusterIdentifier='dw')['Status'])
for _ in range(4):
    print(state())
r = c.describe_resize(ClusterIdentifier='dw')
print(r['Status'], r['ResizeType'], r['TargetNumberOfNodes'])
arn = 'arn:aws:redshift:us-east-1:123456789012:cluster:dw'
c.create_tags(ResourceName=arn, Tags=[{'Key': 'hindcast:a:b:c', 'Value': 'resized from 4'}, {'Key': 'x', 'Value': ''}])
print(c.describe_clusters(ClusterIdentifier='dw')['Clusters'][0]['Tags'])
refused(c.create_tags, ResourceName=arn, Tags=[{'Key': 'a{b}', 'Value': ''}])
c.delete_tags(ResourceName=arn, TagKeys=['hindcast:a:b:c', 'x'])
print(c.describe_clusters(ClusterIdentifier='dw')['Clusters'][0]['Tags'])

s = boto3.client('redshift-serverless', config=config)
w = s.get_workgroup(workgroupName='etl')['workgroup']
print(w['status'], w['baseCapacity'], w['creationDate'].year)
refused(s.get_workgroup, workgroupName='nowhere')
refused(s.update_workgroup, workgroupName='etl', baseCapacity=33)
refused(s.update_workgroup, workgroupName='etl', baseCapacity=64, maxCapacity=128)
print(s.update_workgroup(workgroupName='etl', baseCapacity=64)['workgroup']['status'])
refused(s.update_workgroup, workgroupName='etl', baseCapacity=128)
for _ in range(3):
    w = s.get_workgroup(workgroupName='etl')['workgroup']
    print(w['status'], w['baseCapacity'])
s.tag_resource(resourceArn=w['workgroupArn'], tags=[{'key': 'hindcast:a:b:c', 'value': 'resized from 32'}])
print(s.list_tags_for_resource(resourceArn=w['workgroupArn'])['tags'])
s.untag_resource(resourceArn=w['workgroupArn'], tagKeys=['hindcast:a:b:c'])
print(s.list_tags_for_resource(resourceArn=w['workgroupArn'])['tags'])
`

const said = `('available', 'Available', 4, 'int')
0 [2,4,8] 123456789012
[('ra3.4xlarge', 2), ('ra3.4xlarge', 4), ('ra3.4xlarge', 8), ('ra3.16xlarge', 2)]
ResizeNotFoundFault ResizeNotFound 404
ClusterNotFoundFault ClusterNotFound 404
UnsupportedOptionFault UnsupportedOptionFault 400
available, prep-for-resize {'ResizeType': 'ElasticResize', 'AllowCancelResize': False} {'NumberOfNodes': 8}
InvalidClusterStateFault InvalidClusterState 400
IN_PROGRESS
('available, prep-for-resize', 'Available', 4, 'int')
('resizing', 'Modifying', 4, 'int')
('available, resize-cleanup', 'Available', 8, 'int')
('available', 'Available', 8, 'int')
SUCCEEDED ElasticResize 8
[{'Key': 'hindcast:a:b:c', 'Value': 'resized from 4'}, {'Key': 'x', 'Value': ''}]
InvalidTagFault InvalidTagFault 400
[]
AVAILABLE 32 2026
ResourceNotFoundException ResourceNotFoundException 400
ValidationException ValidationException 400
ValidationException ValidationException 400
MODIFYING
ConflictException ConflictException 400
MODIFYING 32
MODIFYING 32
AVAILABLE 64
[{'key': 'hindcast:a:b:c', 'value': 'resized from 32'}]
[]
`

func TestBoto(t *testing.T) {
	t.Parallel()
	s := control.Start(t)
	s.Add(&control.Cluster{Name: "dw", NodeType: "ra3.4xlarge", Nodes: 4, Allowed: []int{2, 4, 8}})
	s.AddWorkgroups(&control.Workgroup{Name: "etl", RPU: 32})
	c := exec.Command(pythontest.Python(t, "aws"), "-c", boto)
	c.Env = append(append(os.Environ(), s.Env()...), "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION="+control.Region,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := c.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != strings.TrimSpace(said) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := control.Start(t)
	s.Add(&control.Cluster{Name: "dw", NodeType: "ra3.4xlarge", Nodes: 4, Allowed: []int{2, 4, 8}})
	for fault, nodes := range map[control.Fault]int{control.Refuse: 4, control.Throttle: 4, control.Busy: 4, control.Full: 4, control.Forbid: 4} {
		s.Rule(func(control.Call) control.Fault { return fault })
		ask(t, s)
		if is := s.Cluster("dw"); is.Nodes != nodes || !is.Settled() {
			t.Errorf("fault %d: %d nodes, settled: %v", fault, is.Nodes, is.Settled())
		}
	}
	s.Rule(func(control.Call) control.Fault { return control.Lose })
	ask(t, s)
	for range 3 {
		s.Advance()
	}
	if is := s.Cluster("dw"); is.Nodes != 8 || !is.Settled() {
		t.Errorf("after a lost answer: %d nodes, settled: %v", is.Nodes, is.Settled())
	}
	if calls := s.Calls("ResizeCluster"); len(calls) != 6 || calls[5].Nth != 6 || calls[5].Service != "redshift" {
		t.Errorf("calls %+v", calls)
	}
}

// ask asks for eight nodes, and does not care for the answer.
func ask(t *testing.T, s *control.Server) {
	t.Helper()
	form := url.Values{"Action": {"ResizeCluster"}, "Version": {"2012-12-01"}, "ClusterIdentifier": {"dw"}, "NumberOfNodes": {"8"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=key/20261129/"+control.Region+"/redshift/aws4_request, SignedHeaders=host, Signature="+strings.Repeat("0", 64))
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
	}
}
