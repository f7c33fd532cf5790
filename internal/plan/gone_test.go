package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

func TestRefusesToUnloadAgainWhatIsGone(t *testing.T) {
	w := newWorld(t).run()
	w.Force, w.Fresh = true, true
	delete(w.Sources, "billing_2016_03")
	_, err := plan.Make(w.inputs())
	refused(t, err, hindcast.ESource, "billing_2016_03 is not there any more", "--force")
	w.Selection = "2016-05"
	if got := w.make(); len(got.Warnings) != 0 {
		t.Errorf("another slice is warned of: %q", got.Warnings)
	}
	delete(w.Sources, "accounts")
	_, err = plan.Make(w.inputs())
	refused(t, err, hindcast.ESource, "accounts is not there any more")

	w.Fresh = false
	if got := w.make(); len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "accounts is not there any more") || !got.Dims[0].Gone {
		t.Errorf("without: %q, %+v", got.Warnings, got.Dims)
	}
	w.Now = w.Now.Add(48 * time.Hour)
	_, err = plan.Make(w.inputs())
	refused(t, err, hindcast.ESource, "accounts of dimension accounts is not there any more", "refresh:")
	w.Compare = true
	if got := w.make(); !got.Dims[0].Gone || got.Dims[0].Unload {
		t.Errorf("to compare: %+v", got.Dims)
	}
}
