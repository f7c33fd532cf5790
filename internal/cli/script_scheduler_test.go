//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// scheduler: writes what the guide's page has for schedulers into files, with this folder for the page's: cron.sh and
// systemd.sh, what these would run; dags/cloud_costs.py, whose retries come at once. It does what `airflow` does.
func scheduler(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	body, err := os.ReadFile(filepath.Join(w.source, "../../../../docs/guide/scheduler.md"))
	ts.Check(err)
	page := strings.ReplaceAll(string(body), "/srv/cloud_costs", ts.MkAbs("."))
	find := func(form string) string {
		m := regexp.MustCompile(form).FindStringSubmatch(page)
		if m == nil {
			ts.Fatalf("the guide has no %s", form)
		}
		return m[1]
	}
	write := func(name, text string) {
		ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(name)), 0o755))
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o755))
	}
	write("cron.sh", strings.ReplaceAll(find(`(?m)^0 5 \* \* \*  (.*)$`), `\%`, "%"))
	write("systemd.sh", strings.ReplaceAll(find(`(?m)^ExecStart=(.*)$`), "%%", "%"))
	dag := find("(?s)```python\n(.*?)```")
	if !strings.Contains(dag, "timedelta(minutes=5)") {
		ts.Fatalf("the guide's DAG has another retry_delay")
	}
	write("dags/cloud_costs.py", strings.Replace(dag, "timedelta(minutes=5)", "timedelta(seconds=0)", 1))
	airflow(ts, false, nil)
}

// airflow: $AIRFLOW_PYTHON is a Python that has Airflow, whose DAGs are in the folder dags.
func airflow(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	for name, value := range map[string]string{"AIRFLOW_PYTHON": pythontest.Python(w.test, "airflow"), "AIRFLOW_HOME": ts.MkAbs("airflow"),
		"AIRFLOW__CORE__DAGS_FOLDER": ts.MkAbs("dags"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
		"HOME": ts.MkAbs(".")} {
		ts.Setenv(name, value)
		w.vars = append(w.vars, name+"="+value)
	}
}
