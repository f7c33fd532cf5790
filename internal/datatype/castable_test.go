package datatype_test

import (
	"testing"

	"github.com/hindcast/hindcast/internal/datatype"
)

func TestDeclarable(t *testing.T) {
	for text, want := range map[string]string{"varchar": "VARCHAR", " Int": "INTEGER", "decimal(18, 2)": "DECIMAL(18,2)", "numeric(38,38)": "DECIMAL(38,38)",
		"timestamptz": "TIMESTAMP WITH TIME ZONE", "decimal(39,2)": "", "decimal(2,3)": "", "decimal(0,0)": "", "decimal": "", "varchar(3)": "", "int[]": ""} {
		if typ, ok := datatype.Declarable(text); ok != (want != "") || ok && typ != want {
			t.Errorf("%q is %q, %v; want %q", text, typ, ok, want)
		}
	}
}

func TestBecomes(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{{"INTEGER", "VARCHAR", true}, {"DOUBLE", "VARCHAR", false}, {"BIGINT", "DOUBLE", false}, {"INTEGER", "DOUBLE", true}, {"DECIMAL(9,2)", "DECIMAL(9,3)", true},
		{"DECIMAL(9,2)", "DECIMAL(9,1)", false}, {"VARCHAR", "INTEGER", false}, {"DATE", "TIMESTAMP", true}, {"TIMESTAMP", "DATE", false}} {
		if is := datatype.Becomes(c.from, c.to); is != c.want {
			t.Errorf("%s becomes %s: %v", c.from, c.to, is)
		}
	}
}

func TestWritten(t *testing.T) {
	for _, c := range []struct {
		text, typ string
		want      bool
	}{{"", "VARCHAR", true}, {"32767", "SMALLINT", true}, {"32768", "SMALLINT", false}, {"1.5", "BIGINT", false}, {"-12.50", "DECIMAL(4,2)", true},
		{"123.5", "DECIMAL(4,2)", false}, {"1.234", "DECIMAL(4,2)", false}, {"0.5", "DECIMAL(2,2)", true}, {"nan", "DOUBLE", false}, {"true", "BOOLEAN", true},
		{"t", "BOOLEAN", false}, {"2024-02-30", "DATE", false}, {"2024-02-29", "DATE", true}, {"2024-02-29 10:00:00", "TIMESTAMP", true},
		{"2024-02-29 10:00:00", "TIMESTAMP WITH TIME ZONE", false}, {"2024-02-29 10:00:00+01:00", "TIMESTAMP WITH TIME ZONE", true}} {
		if is := datatype.Written(c.text, c.typ); is != c.want {
			t.Errorf("%q as %s: %v", c.text, c.typ, is)
		}
	}
}
