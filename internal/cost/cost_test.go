package cost_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/cost"
)

// A run of EMR Serverless is counted in vCPU, and what those cost is said to be unknown, and why.
func TestEMRServerlessIsCountedAndNotPriced(t *testing.T) {
	is := cost.EMR("us-east-1", hindcast.EMRServerless{Driver: hindcast.EMRWorker{Cores: 4, Memory: 16}, Executor: hindcast.EMRWorker{Cores: 8, Memory: 60}, Executors: 18})
	if is.Each != 148 || is.Unit != "vCPU" || is.Hours(36, 1800) != 2664 || is.Hours(1, 1) != 148./60 || is.USD != 0 || !strings.Contains(is.Unknown, "EMR Serverless") {
		t.Errorf("%+v", is)
	}
}
