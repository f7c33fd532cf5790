package datatype

import (
	"reflect"
	"testing"
)

func TestNested(t *testing.T) {
	for typ, want := range map[string]string{"BIGINT[]": "BIGINT", "BIGINT[3][]": "BIGINT[3]", "STRUCT(a BIGINT[])[3]": "STRUCT(a BIGINT[])",
		"BIGINT": "", "STRUCT(a BIGINT[])": "", "MAP(VARCHAR, BIGINT[])": "", "]": ""} {
		if got, ok := Element(typ); got != want || ok != (want != "") {
			t.Errorf("the element of %s is %q, %t, want %q", typ, got, ok, want)
		}
	}

	if key, value, ok := Entry(`MAP(STRUCT(a INTEGER, "b," INTEGER), VARCHAR[])`); key != `STRUCT(a INTEGER, "b," INTEGER)` || value != "VARCHAR[]" || !ok {
		t.Errorf("the map's are %q and %q, %t", key, value, ok)
	}
	if _, _, ok := Entry("MAP(VARCHAR, BIGINT)[]"); ok {
		t.Error("a list of maps is taken for a map")
	}

	want := []Field{{"a", "BIGINT"}, {`b, "c"`, "STRUCT(d DECIMAL(18,2), e DATE)"}}
	if got, ok := Fields(`STRUCT(a BIGINT, "b, ""c""" STRUCT(d DECIMAL(18,2), e DATE))`); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("the struct's are %v, %t", got, ok)
	}
	if _, ok := Fields("BIGINT"); ok {
		t.Error("a number is taken for a struct")
	}
}
