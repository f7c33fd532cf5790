package config

import (
	"strings"

	"github.com/hindcast/hindcast"
)

const (
	clusterPattern   = `^[a-z][a-z0-9-]{0,62}$`
	workgroupPattern = `^[a-z0-9-]{3,64}$`
)

// The base capacities that a workgroup can have: 4, up to 512 in steps of 8, and up to 1024 in steps of 32.
const (
	smallRPU  = 4
	stepRPU   = 8
	largeRPU  = 512
	strideRPU = 32
	mostRPU   = 1024
)

// mostNodes is how many nodes a cluster of the largest type can have.
const mostNodes = 128

var (
	formCluster   = Form{Name: "cluster", Right: "write the cluster's identifier, such as dw", Schema: patterned(clusterPattern)}
	formWorkgroup = Form{Name: "workgroup", Right: "write the workgroup's name, such as analytics", Schema: patterned(workgroupPattern)}
	formNodes     = Form{Name: "number of nodes", Right: "write a whole number from 2 to 128", Schema: map[string]any{"type": "integer", "minimum": 2, "maximum": mostNodes}}
	formRPU       = Form{Name: "base capacity", Right: "write 4, a multiple of 8 up to 512, or a multiple of 32 up to 1024",
		Schema: map[string]any{"type": "integer", "minimum": smallRPU, "maximum": mostRPU}}
)

func resizeKeys() []Key {
	return []Key{
		{Path: "redshift.resize", Form: formObject, Else: "the warehouse keeps its size", Example: "{cluster: dw, nodes: 8}",
			Meaning: "How large the warehouse is while a run loads: it is resized before the first load, and back at the end of the run, whatever that is."},
		{Path: "redshift.resize.cluster", Form: formCluster, Else: "`workgroup` is needed", Example: "dw",
			Meaning: "The cluster's identifier. It is resized elastically.",
			set: func(d *decoder, v value) {
				d.resize().Cluster = d.matched(v, clusterPattern, formCluster, "an identifier of a cluster")
			}},
		{Path: "redshift.resize.nodes", Form: formNodes, Else: "`workgroup` and `rpu` are needed", Example: "8",
			Meaning: "How many nodes the cluster has during the loads. Amazon is asked which numbers an elastic resize can lead to before a run begins.",
			set:     func(d *decoder, v value) { d.resize().Nodes = int(d.whole(v, 2, mostNodes, formNodes.Right)) }},
		{Path: "redshift.resize.workgroup", Form: formWorkgroup, Else: "`cluster` is needed", Example: "analytics",
			Meaning: "The workgroup of Redshift Serverless.",
			set: func(d *decoder, v value) {
				d.resize().Workgroup = d.matched(v, workgroupPattern, formWorkgroup, "a name of a workgroup")
			}},
		{Path: "redshift.resize.rpu", Form: formRPU, Else: "`cluster` and `nodes` are needed", Example: "256",
			Meaning: "The workgroup's base capacity during the loads.",
			set:     func(d *decoder, v value) { d.resize().RPU = d.rpu(v) }},
		{Path: "redshift.resize.region", Form: formRegion, Else: "that of the AWS configuration", Example: "eu-central-1",
			Meaning: "The region of the cluster or workgroup.",
			set:     func(d *decoder, v value) { d.resize().Region = d.matched(v, regionPattern, formRegion, "a region") }},
		{Path: "redshift.resize.timeout", Form: formDuration, Else: "1h", Example: "30m",
			Meaning: "How long each of the two resizes may take. A run whose warehouse is not back by then ends with exit code 6.",
			set:     func(d *decoder, v value) { d.resize().Timeout = d.positive(v) }},
	}
}

func (d *decoder) resize() *hindcast.Resize { return &d.p.Redshift.Resize }

// rpu decodes a base capacity.
func (d *decoder) rpu(v value) int {
	failed := len(d.errs)
	n := int(d.whole(v, smallRPU, mostRPU, formRPU.Right))
	known := n == smallRPU || n <= largeRPU && n%stepRPU == 0 || n%strideRPU == 0
	if len(d.errs) == failed && !known {
		d.bad(v, formRPU.Right, "%d is not a base capacity", n)
	}
	return n
}

// finishResize refuses a block that does not say what is resized, and to what.
func (d *decoder) finishResize() {
	at, written := d.p.Places["redshift.resize"]
	if !written || !strings.HasPrefix(d.p.Warehouse.Scheme, "redshift") {
		return // other warehouses leave it aside
	}
	is := d.resize()
	switch {
	case (is.Cluster == "") == (is.Workgroup == ""):
		d.fail(hindcast.EValue, at, len("resize"), "write {cluster: NAME, nodes: 8} or {workgroup: NAME, rpu: 256}", "redshift.resize names one of a cluster and a workgroup")
	case is.Cluster != "" && (is.Nodes == 0 || is.RPU != 0):
		d.fail(hindcast.EValue, at, len("resize"), "write {cluster: NAME, nodes: 8}", "redshift.resize: a cluster has nodes, and needs their number")
	case is.Workgroup != "" && (is.RPU == 0 || is.Nodes != 0):
		d.fail(hindcast.EValue, at, len("resize"), "write {workgroup: NAME, rpu: 256}", "redshift.resize: a workgroup has a base capacity, and needs rpu")
	}
}
