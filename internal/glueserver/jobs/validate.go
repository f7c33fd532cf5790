package jobs

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DPU is what a worker of each type counts.
var dpu = map[string]float64{"Standard": 1, "G.025X": 0.25, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16,
	"R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8, "Z.2X": 2}

// Bounds that Glue's documents and its service model give. Clients check the lower ones alone.
const (
	mostName        = 255
	mostDescription = 2048
	mostScript      = 400_000
	mostRetries     = 10
	mostMinutes     = 7 * 24 * 60
	mostArguments   = 260 << 10
	mostConnections = 1000
	mostTags        = 50
)

// The defaults of a job that does not say.
const (
	defaultVersion = "6.0"
	defaultType    = "G.1X"
	defaultWorkers = 10
)

var version = regexp.MustCompile(`^(\w+\.)+\w+$`)

// CheckName is the error of a name that Glue does not take: of a job, a database, a table, or a run's id.
func CheckName(what, name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return Faultf(InvalidInput, "%s must not be empty", what)
	case n > mostName:
		return Faultf(InvalidInput, "%s must have at most %d characters; it has %d", what, mostName, n)
	}
	for _, r := range name {
		if r < ' ' && r != '\t' || r == utf8.RuneError {
			return Faultf(InvalidInput, "%s must not have control characters", what)
		}
	}
	return nil
}

// complete checks a definition and fills in what Glue does.
func (d *Definition) complete() error {
	for _, check := range []func() error{d.checkTexts, d.checkCommand, d.checkNumbers, d.checkCapacity} {
		if err := check(); err != nil {
			return err
		}
	}
	if d.ExecutionProperty == nil {
		d.ExecutionProperty = &ExecutionProperty{MaxConcurrentRuns: 1}
	}
	if d.Timeout == nil {
		minutes := defaultMinutes(d.GlueVersion, d.Command.Name)
		d.Timeout = &minutes
	}
	return checkArguments(d.DefaultArguments, d.NonOverridableArguments)
}

func (d *Definition) checkTexts() error {
	if strings.TrimSpace(d.Role) == "" {
		return Faultf(InvalidInput, "Role must not be empty")
	}
	if d.Description != nil && utf8.RuneCountInString(*d.Description) > mostDescription {
		return Faultf(InvalidInput, "Description must have at most %d characters", mostDescription)
	}
	if d.SecurityConfiguration != "" {
		if err := CheckName("SecurityConfiguration", d.SecurityConfiguration); err != nil {
			return err
		}
	}
	if d.Connections != nil && len(d.Connections.Connections) > mostConnections {
		return Faultf(InvalidInput, "Connections must have at most %d members", mostConnections)
	}
	if d.JobMode != "" && !slices.Contains([]string{"SCRIPT", "VISUAL", "NOTEBOOK"}, d.JobMode) {
		return Faultf(InvalidInput, "JobMode %q is not valid", d.JobMode)
	}
	return nil
}

func (d *Definition) checkCommand() error {
	c := d.Command
	switch {
	case c == nil:
		return Faultf(InvalidInput, "Command must not be null")
	case !slices.Contains([]string{"glueetl", "gluestreaming", "pythonshell", "glueray"}, c.Name):
		return Faultf(InvalidInput, "Command name must be one of glueetl, gluestreaming, pythonshell, glueray; it is %q", c.Name)
	case len(c.ScriptLocation) > mostScript:
		return Faultf(InvalidInput, "ScriptLocation must have at most %d characters", mostScript)
	case c.ScriptLocation == "":
		return Faultf(InvalidInput, "ScriptLocation must not be empty")
	}
	if d.GlueVersion == "" && c.Name != "pythonshell" {
		d.GlueVersion = defaultVersion
	}
	if v := d.GlueVersion; v != "" && !strings.EqualFold(v, "auto") && (!version.MatchString(v) || len(v) > mostName) {
		return Faultf(InvalidInput, "GlueVersion %q is not valid", v)
	}
	return nil
}

func (d *Definition) checkNumbers() error {
	switch {
	case d.MaxRetries < 0 || d.MaxRetries > mostRetries:
		return Faultf(InvalidInput, "MaxRetries must be from 0 to %d; it is %d", mostRetries, d.MaxRetries)
	case d.ExecutionProperty != nil && d.ExecutionProperty.MaxConcurrentRuns < 1:
		return Faultf(InvalidInput, "MaxConcurrentRuns must be at least 1; it is %d", d.ExecutionProperty.MaxConcurrentRuns)
	case d.ExecutionClass != "" && d.ExecutionClass != "STANDARD" && d.ExecutionClass != "FLEX":
		return Faultf(InvalidInput, "ExecutionClass must be STANDARD or FLEX; it is %q", d.ExecutionClass)
	}
	return checkTimeout(d.Timeout)
}

func checkTimeout(minutes *int) error {
	if minutes != nil && (*minutes < 1 || *minutes > mostMinutes) {
		return Faultf(InvalidInput, "Timeout must be from 1 to %d minutes; it is %d", mostMinutes, *minutes)
	}
	return nil
}

// checkCapacity fills in workers, unless the job has a MaxCapacity.
func (d *Definition) checkCapacity() error {
	if d.AllocatedCapacity != 0 && d.MaxCapacity == nil && d.WorkerType == "" && d.NumberOfWorkers == nil {
		capacity := float64(d.AllocatedCapacity)
		d.MaxCapacity = &capacity
	}
	if err := checkWorkers(d.MaxCapacity, d.WorkerType, d.NumberOfWorkers); err != nil {
		return err
	}
	switch {
	case d.MaxCapacity != nil:
		return nil
	case d.Command.Name == "pythonshell":
		least := 0.0625
		d.MaxCapacity = &least
		return nil
	}
	if d.WorkerType == "" {
		d.WorkerType = defaultType
	}
	if d.NumberOfWorkers == nil {
		workers := defaultWorkers
		d.NumberOfWorkers = &workers
	}
	return nil
}

func checkWorkers(capacity *float64, worker string, number *int) error {
	switch _, known := dpu[worker]; {
	case capacity != nil && (worker != "" || number != nil):
		return Faultf(InvalidInput, "Please do not set Max Capacity if using Worker Type and Number of Workers.")
	case capacity != nil && *capacity <= 0:
		return Faultf(InvalidInput, "MaxCapacity must be more than 0; it is %v", *capacity)
	case worker != "" && !known:
		return Faultf(InvalidInput, "Worker Type %q is not valid", worker)
	case number != nil && *number < 2 && worker != "G.025X" && worker != "Z.2X":
		return Faultf(InvalidInput, "To use Worker Type %s, minimum allowed value of Number of Workers is 2.", nameOr(worker, defaultType))
	case number != nil && *number > 299 && worker != "":
		return Faultf(InvalidInput, "To use Worker Type %s, maximum allowed value of Number of Workers is 299.", worker)
	}
	return nil
}

func nameOr(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// defaultMinutes is the timeout of a job that has none: two days before Glue 5.0, eight hours since.
func defaultMinutes(glueVersion, command string) int {
	major, _, _ := strings.Cut(glueVersion, ".")
	if n, err := strconv.Atoi(major); command == "pythonshell" || err == nil && n < 5 {
		return 2880
	}
	return 480
}

func checkArguments(sets ...map[string]string) error {
	bytes := 0
	for _, set := range sets {
		for key, value := range set {
			bytes += len(key) + len(value)
		}
	}
	if bytes > mostArguments {
		return Faultf(InvalidInput, "arguments must have at most %d bytes; they have %d", mostArguments, bytes)
	}
	return nil
}

// CheckTags is the error of tags that Glue does not take.
func CheckTags(tags map[string]string) error {
	if len(tags) > mostTags {
		return Faultf(InvalidInput, "a resource has at most %d tags", mostTags)
	}
	for key, value := range tags {
		if n := utf8.RuneCountInString(key); n < 1 || n > 128 || utf8.RuneCountInString(value) > 256 {
			return Faultf(InvalidInput, "the tag %q must have a key of 1 to 128 characters and a value of at most 256", key)
		}
	}
	return nil
}

// firstID is the id of the first attempt of a run's id.
func firstID(id string, attempt int) string {
	return strings.TrimSuffix(id, fmt.Sprintf("_attempt_%d", attempt))
}
