package config

import "github.com/hindcast/hindcast"

const (
	arnPattern    = `arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+`
	rolePattern   = `^(default|` + arnPattern + `(,` + arnPattern + `)*)$`
	regionPattern = `^[a-z]{2,}(-[a-z]+)+-[0-9]+$`
)

var (
	formRole   = Form{Name: "IAM role", Right: "write default, or the role's ARN, arn:aws:iam::ACCOUNT:role/NAME; roles that assume one another with commas between", Schema: patterned(rolePattern)}
	formRegion = Form{Name: "region", Right: "write a region such as eu-central-1", Schema: patterned(regionPattern)}
)

// nodeTypes are those of clusters, as Amazon's documents had them in November 2026.
var nodeTypes = []string{"ra3.large", "ra3.xlplus", "ra3.4xlarge", "ra3.16xlarge", "rg.large", "rg.xlarge", "rg.4xlarge", "rg.12xlarge", "dc2.large", "dc2.8xlarge"}

var formAllNodes = Form{Name: "number of nodes", Right: "write a whole number from 1 to 128", Schema: map[string]any{"type": "integer", "minimum": 1, "maximum": mostNodes}}

// UNLOAD takes files of 5 MB to 6.2 GB.
const (
	leastUnloaded = 5 << 20
	mostUnloaded  = 6348 << 20
)

func redshiftKeys() []Key {
	return []Key{
		{Path: "redshift", Form: formObject, Else: "nothing; a warehouse that is Redshift needs `redshift.iam_role`", Example: "{iam_role: default}",
			Meaning: "How Redshift reaches the lake's bucket. Other warehouses leave it aside."},
		{Path: "redshift.iam_role", Form: formRole, Else: "a warehouse that is Redshift is refused", Example: "arn:aws:iam::123456789012:role/redshift",
			Meaning: "The IAM role by which UNLOAD writes into the lake's bucket and COPY reads there; `default` is the cluster's default role.",
			set:     func(d *decoder, v value) { d.p.Redshift.Role = d.matched(v, rolePattern, formRole, "a role") }},
		{Path: "redshift.region", Form: formRegion, Else: "the cluster's", Example: "eu-central-1",
			Meaning: "The bucket's region. UNLOAD alone can reach another one than the cluster's: COPY of Parquet cannot, so that nothing can be loaded.",
			set:     func(d *decoder, v value) { d.p.Redshift.Region = d.matched(v, regionPattern, formRegion, "a region") }},
		{Path: "redshift.node_type", Form: choice(nodeTypes...), Else: "what the warehouse costs is not shown", Example: "ra3.4xlarge",
			Meaning: "The type of the cluster's nodes, for what unloading and loading cost. Nothing else depends on it.",
			set:     func(d *decoder, v value) { d.p.Redshift.NodeType = d.oneOf(v, nodeTypes...) }},
		{Path: "redshift.nodes", Form: formAllNodes, Else: "one", Example: "4",
			Meaning: "How many nodes the cluster has, for the same.",
			set:     func(d *decoder, v value) { d.p.Redshift.Nodes = int(d.whole(v, 1, mostNodes, formAllNodes.Right)) }},
		{Path: "redshift.rpu", Form: formRPU, Else: "the warehouse is not a serverless workgroup, or what it costs is not shown", Example: "128",
			Meaning: "The base capacity of a serverless workgroup, for the same. It has no nodes: they are left aside.",
			set:     func(d *decoder, v value) { d.p.Redshift.RPU = d.rpu(v) }},
		{Path: "redshift.unload", Form: formObject, Else: "Redshift's defaults", Example: "{max_file_size: 256MiB}", Meaning: "How tables are unloaded."},
		{Path: "redshift.unload.max_file_size", Form: formSize, Else: "Redshift's own, 6.2 GB", Example: "256MiB",
			Meaning: "How large the files are that UNLOAD writes, from 5MiB to 6.2GiB. Redshift rounds it down to whole row groups of 32 MB.",
			set: func(d *decoder, v value) {
				if d.p.Redshift.MaxFileSize = d.size(v, leastUnloaded, formSize.Right); d.p.Redshift.MaxFileSize > mostUnloaded {
					d.bad(v, "write a size of at most 6.2GiB", "%q is more than UNLOAD takes", v.text)
				}
			}},
	}
}

// checkRedshift refuses a pipeline of Redshift that could not move a row.
func (d *decoder) checkRedshift() {
	if d.p.Warehouse.Scheme != "redshift" {
		return
	}
	if d.p.Lake.Scheme == "file" {
		d.fail(hindcast.EValue, d.p.Places["lake"], len("lake"), "write lake: s3://BUCKET/PREFIX, in the cluster's region",
			"lake: Redshift unloads to S3 and loads from there: the lake has to be in a bucket")
	}
	if d.p.Redshift.Role == "" {
		d.fail(hindcast.EValue, d.p.Places["warehouse"], len("warehouse"), "write redshift: {iam_role: default}, or the role's ARN",
			"redshift.iam_role: Redshift reaches the lake's bucket by an IAM role, and none is named")
	}
}
