package catalog

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// modelled has botocore validate calls by the service's own model, and asks pyiceberg, which writes tables into the Data Catalog
// too, whether it knows each of the plain types.
const modelled = `
import json, sys
import botocore.session
from botocore.validate import ParamValidator
from pyiceberg.catalog.glue import GLUE_PRIMITIVE_TYPES

work = json.load(sys.stdin)
service = botocore.session.get_session().get_service_model("glue")
for call in work["calls"]:
    report = ParamValidator().validate(call["input"], service.operation_model(call["operation"]).input_shape)
    if report.has_errors():
        print(call["operation"], report.generate_report())
known = set(GLUE_PRIMITIVE_TYPES.values()) | {"tinyint", "smallint"}  # which Iceberg does not have
for spelled in work["types"]:
    if spelled not in known:
        print("unknown type", spelled)
`

func TestModels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	columns, query := allTypes()
	for _, key := range []string{"2019-03-01", "2019-04-01"} {
		w.unit("types", key, 1, query, columns...)
	}
	w.dim("accounts", 1, "SELECT 'a' AS name", column("name", "VARCHAR"))
	calls, err := Calls("costs", w.tables(Glue), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(calls) != 4 {
		t.Errorf("%d calls", len(calls))
	}

	var spelled []string
	for _, is := range hiveTypes {
		spelled = append(spelled, is)
	}
	body, err := json.Marshal(map[string]any{"calls": calls, "types": spelled})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), pythontest.Python(t, "aws"), "-c", modelled)
	command.Stdin = bytes.NewReader(body)
	if said, err := command.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("%v\n%s", err, said)
	}
}
