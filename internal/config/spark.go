package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
)

const (
	masterPattern  = `^(local|local\[(\*|[1-9][0-9]*)\]|spark://[^\s/@]+|yarn|k8s://\S+)$`
	versionPattern = `^(3\.5|4\.[0-9]+)(\.[0-9]+)?$`
	packagePattern = `^[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+:[A-Za-z0-9_.+-]+$`
)

// leastExecutor is the least memory that Spark takes for an executor, in bytes.
const leastExecutor = 450 << 20

var (
	formMaster = Form{Name: "Spark master", Right: "write local[*], local[N], spark://HOST:PORT, yarn or k8s://HOST:PORT",
		Schema: patterned(masterPattern)}
	formSparkVersion = Form{Name: "Spark version", Right: `write a version of Spark from 3.5 on, such as "3.5" or "4.0.5"`,
		Schema: map[string]any{"anyOf": []any{patterned(versionPattern), map[string]any{"type": "number"}}}}
	formSetting = Form{Name: "setting", Right: "write its value; a secret as ${VAR} or ${file:PATH}", secrets: true,
		Schema: map[string]any{"type": []any{"string", "number", "boolean"}, "minLength": 1}}
	formPackages = Form{Name: "Maven coordinates", Right: "write a list of group:artifact:version", kind: texts,
		Schema: map[string]any{"type": "array", "items": patterned(packagePattern)}}
	formExecutorMemory = Form{Name: formSize.Name, Right: `write auto, or a size of at least 450MiB such as "4GB"`, Schema: formSize.Schema}
	formBroadcast      = Form{Name: "auto or size", Right: `write auto, or a size such as "10MB"; 1B broadcasts nothing`, Schema: formSize.Schema}
)

func sparkKeys() []Key {
	return append([]Key{
		{Path: "spark", Form: formObject, Else: "all of its defaults", Example: "{master: yarn, executors: 8}",
			Meaning: "Where and how the engine spark runs. Other engines leave it aside."},
		{Path: "spark.master", Form: formMaster, Default: "local[*]", Example: "spark://cluster:7077",
			Meaning: "What runs Spark's work: `local[*]` takes every core of this machine, `local[N]` as many, `spark://` is a standalone cluster.",
			set:     func(d *decoder, v value) { d.spark().Master = d.matched(v, masterPattern, formMaster, "a master") }},
		{Path: "spark.version", Form: formSparkVersion, Else: "any from 3.5 on", Example: `"3.5"`,
			Meaning: "What the installation of Spark must be; another one is refused.",
			set: func(d *decoder, v value) {
				d.spark().Version = d.matched(v, versionPattern, formSparkVersion, "a version of it")
			}},
		{Path: "spark.conf", Form: formNames, Else: "none", Example: "{spark.executor.memoryOverhead: 2g}",
			Meaning: "Settings of Spark by their names. Those that hindcast sets itself are refused."},
		{Path: "spark.conf.*", Form: formSetting, Example: "2g", Meaning: "The setting's value, as Spark spells it.",
			set: func(d *decoder, v value) { d.setConf(v) }},
	}, sparkSizeKeys()...)
}

func sparkSizeKeys() []Key {
	return []Key{
		{Path: "spark.executors", Form: formParallel, Default: "auto", Example: "8",
			Meaning: "How many executors an application has on a cluster; auto follows the cluster.",
			set:     func(d *decoder, v value) { d.spark().Executors = d.parallel(v) }},
		{Path: "spark.executor_memory", Form: formExecutorMemory, Default: "auto", Example: "4GB",
			Meaning: "The memory of each executor; of the whole process on local[…].",
			set: func(d *decoder, v value) {
				if v.text != "auto" {
					d.spark().ExecutorMemory = d.size(v, leastExecutor, formExecutorMemory.Right)
				}
			}},
		{Path: "spark.cores", Form: formParallel, Default: "auto", Example: "4",
			Meaning: "The cores of each executor. On local[…] the master says how many there are.",
			set:     func(d *decoder, v value) { d.spark().Cores = d.parallel(v) }},
		{Path: "spark.submit", Form: formText, Else: "it is looked for in PATH, SPARK_HOME and the pyspark of python3", Example: "/opt/spark",
			Meaning: "spark-submit, or the folder of an installation of Spark, or of a Python environment with pyspark.",
			set:     func(d *decoder, v value) { d.spark().Submit = d.absolute(d.textOf(v)) }},
		{Path: "spark.python", Form: formText, Else: "the Python that has pyspark, or python3", Example: "/opt/venv/bin/python",
			Meaning: "The Python that Spark's driver runs on.",
			set:     func(d *decoder, v value) { d.spark().Python = d.absolute(d.textOf(v)) }},
		{Path: "spark.packages", Form: formPackages, Else: "none", Example: "[org.postgresql:postgresql:42.7.7]",
			Meaning: "What else Spark fetches and has in its class path, by Maven coordinates.",
			set:     func(d *decoder, v value) { d.spark().Packages = d.packagesOf(v) }},
		{Path: "spark.per_application", Form: formParallel, Default: "auto", Example: "6",
			Meaning: "How many slices one application transforms, one after the other. A lost application costs the slice that it had.",
			set:     func(d *decoder, v value) { d.spark().PerApplication = d.parallel(v) }},
		{Path: "spark.broadcast_below", Form: formBroadcast, Default: "auto", Example: "10MB",
			Meaning: "Dimensions that are smaller are sent whole to every executor where the SQL has no hint; auto decides by their bytes.",
			set: func(d *decoder, v value) {
				if v.text != "auto" {
					d.spark().BroadcastBelow = d.size(v, 1, formBroadcast.Right)
				}
			}},
	}
}

var (
	packageForm = regexp.MustCompile(packagePattern)
)

func (d *decoder) spark() *hindcast.Spark { return &d.p.Transform.Spark }

// matched decodes a text of one pattern, without credentials. The pattern is compiled here, because few files have such a key, and
// every start of the program would pay for all of them.
func (d *decoder) matched(v value, pattern string, f Form, what string) string {
	switch {
	case maskPasswords(v.text) != v.text:
		d.bad(v, f.Right, "credentials are not allowed in it")
		return ""
	case !regexp.MustCompile(pattern).MatchString(v.text):
		d.bad(v, f.Right, "%q is not %s that hindcast knows", v.text, what)
	}
	return v.text
}

// packagesOf decodes Maven coordinates.
func (d *decoder) packagesOf(v value) []string {
	for _, item := range v.items {
		if !packageForm.MatchString(item.text) {
			d.bad(item, "write group:artifact:version, such as org.postgresql:postgresql:42.7.7", "%q is not a Maven coordinate", item.text)
		}
	}
	return d.textsOf(v)
}

// setConf takes one setting of Spark.
func (d *decoder) setConf(v value) {
	name := strings.ToLower(v.name)
	if !strings.HasPrefix(name, "spark.") || strings.ContainsAny(name, " =\t\n") {
		d.fail(hindcast.EValue, v.key, utf8.RuneCountInString(v.name), "write its whole name, such as spark.executor.memoryOverhead",
			"spark.conf: %q is not the name of a setting of Spark", v.name)
		return
	}
	if why, ours := Reserved(v.name); ours {
		d.fail(hindcast.EValue, v.key, utf8.RuneCountInString(v.name), "leave it out", "spark.conf: %s is not yours to set: %s", v.name, why)
		return
	}

	refs, missing, ok := d.referencesIf(v, false)
	if !ok {
		return
	}
	if s := d.spark(); missing != nil { // only who starts an application needs it
		s.Faults = append(s.Faults, missing)
	}

	why, early := tooEarly(v.name)
	switch secret := len(refs.list) > 0; {
	case strings.TrimSpace(v.text) == "" || strings.ContainsAny(v.text, "\n\r\x00"):
		d.bad(v, formSetting.Right, "is empty, or not one line")
	case !secret && secretSetting(v.name, v.text):
		d.secret(v.text)
		d.bad(v, "write ${VAR} for an environment variable, or ${file:PATH} for a file's content", "a secret may not stand in the pipeline file")
	case secret && early:
		d.bad(v, "write the value itself, or set it in the spark-defaults.conf of the installation", "cannot be a secret: %s", why)
	case secret && hindcast.Decides(v.name):
		d.bad(v, "write the value itself", "decides results, and so it is stored: it cannot be a secret")
	default:
		d.keepConf(v.name, v.text, refs.expanded(refs.tokenised))
	}
}

func (d *decoder) keepConf(name, written, value string) {
	s := d.spark()
	if s.Conf == nil {
		s.Conf, s.ConfWritten = map[string]string{}, map[string]string{}
	}
	s.Conf[name], s.ConfWritten[name] = value, written
}

// What the name of a setting of Spark has if its value is a secret: as Spark's own redaction has it, and the keys of Azure and
// Google.
const (
	secretWords = `secret|password|token|(?:access|account|private)[._-]?key`
	secretNames = secretWords + `|azure\.sas`
)

var (
	secretName   = regexp.MustCompile(`(?i)` + secretNames)
	secretOption = regexp.MustCompile(`(?i)(?:` + secretWords + `)[a-z._-]*=\S`)
)

// secretSetting reports whether a setting's value is, or holds, a secret.
func secretSetting(name, value string) bool {
	return secretName.MatchString(name) || secretOption.MatchString(value) || maskPasswords(value) != value
}

// speaks is the dialect of the warehouse's own SQL; "" where that is the embedded engine's.
func (d *decoder) speaks() string {
	switch scheme, _, _ := strings.Cut(d.p.Origin().Scheme, "+"); scheme {
	case "postgres":
		return hindcast.DialectPostgres
	case "redshift":
		return hindcast.DialectRedshift
	}
	return ""
}

// finishTransform joins engine and dialect, and leaves out what no engine here reads.
func (d *decoder) finishTransform() {
	t := &d.p.Transform
	at, written := d.p.Places["transform.dialect"]
	switch {
	case !written && d.speaks() != "" && len(d.errs) == 0: // what else is wrong may be why
		key := "transform"
		if _, there := d.p.Places[key]; !there {
			key = outputsKey
		}
		d.fail(hindcast.EValue, d.p.Places[key], len(key), "write dialect: "+d.speaks()+" for SQL of the warehouse, or dialect: "+t.Native()+" for SQL of the engine's own",
			"transform says no dialect, and SQL of the warehouse means something else in the engine")
	case t.Dialect == hindcast.DialectPostgres && d.speaks() == hindcast.DialectRedshift:
		d.fail(hindcast.EValue, at, len("dialect"), "write dialect: redshift", "transform.dialect: Redshift does not give PostgreSQL's answers")
	case t.Dialect != "" && !t.Translates() && t.Dialect != t.Native():
		d.fail(hindcast.EValue, at, len("dialect"), "write engine: "+t.Dialect+", or leave dialect out; a command's --engine tries the SQL on another engine",
			"transform.dialect: the engine %s does not read SQL of the dialect %s", t.Engine, t.Dialect)
	case d.env.Engine != "":
		t.Engine = d.env.Engine
	}

	if !t.Translates() {
		t.Dialect = t.Native()
	} else {
		d.untranslated()
	}
	if _, written := d.p.Places["spark"]; !written && t.Engine == "duckdb" {
		t.Spark = hindcast.Spark{}
	}
	if _, written := d.p.Places["glue"]; !written && t.Engine != "glue" {
		t.Glue = hindcast.Glue{}
	}
	if _, written := d.p.Places["emr_serverless"]; !written && t.Engine != "emr-serverless" {
		t.EMR = hindcast.EMRServerless{}
	}
	switch t.Engine {
	case "glue":
		d.finishGlue()
	case "emr-serverless":
		d.finishEMR()
	}
}

// untranslated refuses settings that change what SQL means to Spark: SQL of another dialect is translated for a Spark without them.
func (d *decoder) untranslated() {
	for _, name := range slices.Sorted(maps.Keys(d.p.Transform.Spark.Conf)) {
		if hindcast.Decides(name) {
			d.fail(hindcast.EValue, d.p.Places["spark.conf."+name], utf8.RuneCountInString(name), "leave it out, or write the SQL in Spark's own dialect",
				"spark.conf: %s may change what SQL means, and SQL of the dialect %s is translated for Spark's defaults", name, d.p.Transform.Dialect)
		}
	}
}
