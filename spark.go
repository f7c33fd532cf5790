package hindcast

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Spark says where and how the engine spark runs. Zero numbers mean auto.
type Spark struct {
	Master         string            `json:"master"`                    // local[*], local[N], spark://HOST:PORT, yarn, k8s://…
	Version        string            `json:"version,omitempty"`         // what the installation must be: 3.5, 4.0.5; "" is any that is supported
	Conf           map[string]string `json:"-"`                         // settings by name, ${VAR} expanded: never encoded
	ConfWritten    map[string]string `json:"conf,omitempty"`            // the same as the file has them
	Executors      int               `json:"executors,omitempty"`       // of a cluster
	ExecutorMemory int64             `json:"executor_memory,omitempty"` // bytes of each; on local[…] of the one process
	Cores          int               `json:"cores,omitempty"`           // of each executor
	Submit         string            `json:"submit,omitempty"`          // spark-submit, a folder of Spark, or of a Python environment; "" looks for one
	Python         string            `json:"python,omitempty"`          // the interpreter of the driver; "" looks for one
	Packages       []string          `json:"packages,omitempty"`        // Maven coordinates
	PerApplication int               `json:"per_application,omitempty"` // slices, one after the other
	BroadcastBelow int64             `json:"broadcast_below,omitempty"` // bytes of a dimension
	Faults         []*Error          `json:"-"`                         // secrets of Conf that are not there: who starts an application needs them
}

// Fault is the first of Faults; nil if there is none.
func (s Spark) Fault() error {
	if len(s.Faults) == 0 {
		return nil
	}
	return s.Faults[0]
}

// LocalMaster reports whether a master is this machine alone.
func LocalMaster(master string) bool { return master == "local" || strings.HasPrefix(master, "local[") }

// broadcastBelow is how many bytes of Parquet a dimension has fewer of to be broadcast, where the pipeline does not say it.
const broadcastBelow = 16 << 20

// Broadcasts reports whether a dimension of so many bytes of Parquet is sent whole to every executor: a small one, where the
// SQL gives Spark no hint.
func (s Spark) Broadcasts(bytes int64, sql string) bool {
	return !strings.Contains(sql, "/*+") && bytes < cmp.Or(s.BroadcastBelow, broadcastBelow)
}

// speed are beginnings of settings of Spark's SQL that change how fast a result is there and not what it is.
var speed = []string{"spark.sql.adaptive.", "spark.sql.shuffle.", "spark.sql.autobroadcastjointhreshold", "spark.sql.broadcasttimeout",
	"spark.sql.files.maxpartition", "spark.sql.files.minpartition", "spark.sql.files.opencost", "spark.sql.codegen.", "spark.sql.cbo.",
	"spark.sql.statistics.", "spark.sql.parquet.filterpushdown", "spark.sql.parquet.enablevectorizedreader", "spark.sql.parquet.columnarreaderbatchsize",
	"spark.sql.ui.", "spark.sql.join.prefersortmergejoin", "spark.sql.maxplanstringlength", "spark.sql.debug.", "spark.sql.redaction.",
	"spark.sql.windowexec.", "spark.sql.sortmergejoinexec."}

// Decides reports whether a setting of Spark may change results, so that it counts in fingerprints: those of Spark's SQL that
// are not known to change its speed alone.
func Decides(setting string) bool {
	name := strings.ToLower(setting)
	return strings.HasPrefix(name, "spark.sql.") && !slices.ContainsFunc(speed, func(start string) bool { return strings.HasPrefix(name, start) })
}

// Deciding lists the settings that may change results as NAME=VALUE, sorted.
func (s Spark) Deciding() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(s.ConfWritten)) {
		if Decides(name) {
			list = append(list, name+"="+s.ConfWritten[name])
		}
	}
	return list
}

// Resumed is how a run that was frozen as s goes on with the pipeline file's present block: what decides results stays, all
// else may be changed, and secrets are only there. Zero says that the file has no such block.
func (s Spark) Resumed(now Spark) Spark {
	if now.Master == "" {
		now = s
		now.Conf = maps.Clone(s.ConfWritten)
		maps.DeleteFunc(now.Conf, func(_, value string) bool { return strings.Contains(value, "${") }) // the file has them no more
	}

	now.Conf, now.ConfWritten = kept(s.ConfWritten, now.Conf), kept(s.ConfWritten, now.ConfWritten)
	return now
}

// kept are the settings that a run goes on with.
func kept(frozen, now map[string]string) map[string]string {
	conf := map[string]string{}
	maps.Copy(conf, now)
	maps.DeleteFunc(conf, func(name, _ string) bool { return Decides(name) })
	for name, value := range frozen {
		if Decides(name) {
			conf[name] = value // as written: it cannot be a secret
		}
	}
	return conf
}
