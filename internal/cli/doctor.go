package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/machine"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// subjects are what the doctor can look at.
var subjects = []string{"spark", "aws"}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor " + strings.Join(subjects, "|"), Short: "Say what a run finds on this machine or in an AWS account, and what it lacks",
		Args: subject, ValidArgs: subjects,
		Long: `spark: looks for an installation of Spark as a run would, by the block spark: of the pipeline file if there is one,
and says what was found where: Spark, Scala, the Hadoop client, Java, Python, and the master as far as it
answers without an application; and of spark.conf the secrets that are not there. Nothing is started but, where no
file says it, Java or Python for its version.

aws: asks the AWS account what a run on Glue or over Redshift needs of it, and changes nothing there: identity, roles and
rights, quotas, free addresses and zones of the jobs' connections, the route to S3, regions, the cluster. It says what
caps parallelism, and has lines to report. What could not be asked is unknown, not fine. Without a pipeline
file it says who asks.

Exit code 1 if something is missing; each is shown with what mends it.`,
		Example: "  hindcast doctor spark\n  hindcast doctor spark -f billing.yml --json\n  hindcast doctor aws",
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "aws" {
				return a.doctorAWS(cmd.Context(), cmd.Flags().Changed("file"))
			}
			return a.doctorSpark(cmd)
		},
	}
}

// doctorSpark looks for Spark on this machine.
func (a *app) doctorSpark(cmd *cobra.Command) error {
	p, err := a.sparkPipeline(cmd)
	if err != nil {
		return err
	}
	spark := p.Transform.Spark
	o := sparkhome.Options{Submit: spark.Submit, Python: spark.Python, Version: spark.Version, Places: p.Places}
	var found health
	home, missing := sparkhome.Look(cmd.Context(), o)
	master, more := sparkhome.Ask(cmd.Context(), home, spark.Master, machine.Measure(os.TempDir()).Cores, o)
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	found.Spark, found.Master, found.Missing = home, master, append([]*hindcast.Error{}, slices.Concat(missing, more, spark.Faults)...)
	found.bucket(p)
	return a.examined(found)
}

// subject accepts one of the subjects.
func subject(_ *cobra.Command, args []string) error {
	if len(args) == 1 && slices.Contains(subjects, args[0]) {
		return nil
	}
	return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "the doctor looks at one of: " + strings.Join(subjects, ", "),
		Next: "hindcast doctor " + subjects[0]}
}

// sparkPipeline is the pipeline with its block spark:, or with that block's defaults where no file is named and there is none.
func (a *app) sparkPipeline(cmd *cobra.Command) (*hindcast.Pipeline, error) {
	if !cmd.Flags().Changed("file") {
		if _, err := os.Stat(a.file); errors.Is(err, fs.ErrNotExist) {
			return &hindcast.Pipeline{Transform: hindcast.Transform{Spark: hindcast.Spark{Master: "local[*]"}}}, nil
		}
	}
	return a.load(cmd.Context(), config.Options{WithoutSQL: true, LakeAlone: true, Engine: "spark"})
}

// health is what the doctor finds.
type health struct {
	Spark   sparkhome.Home    `json:"spark"`
	Master  sparkhome.Master  `json:"master"`
	S3A     *sparkhome.S3A    `json:"s3a,omitempty"` // of a pipeline whose lake is in a bucket
	Missing []*hindcast.Error `json:"missing"`
}

// bucket looks for what a cluster needs for a lake in a bucket.
func (h *health) bucket(p *hindcast.Pipeline) {
	switch {
	case p.Lake.Scheme != "s3" || h.Spark.Version == "":
		return
	case hindcast.LocalMaster(p.Transform.Spark.Master):
		h.S3A = &sparkhome.S3A{Found: "not needed: " + p.Transform.Spark.Master + " reads and writes files of this machine"}
		return
	}
	s3a, fault := h.Spark.S3A(p.Transform.Spark, p.Places)
	if h.S3A = &s3a; fault != nil {
		h.Missing = append(h.Missing, fault)
	}
}

// examined shows what was found and what is missing.
func (a *app) examined(h health) error {
	if a.json {
		if err := json.NewEncoder(a.out).Encode(h); err != nil {
			return err
		}
	} else {
		screen.Columns(a.out, h.lines(), a.shownOptions())
		for _, e := range h.Missing {
			_, _ = fmt.Fprintln(a.out)
			screen.Error(a.out, a.redactor.Error(e), a.shownOptions())
		}
		if len(h.Missing) == 0 {
			_, _ = fmt.Fprintln(a.out, "nothing is missing")
		}
	}

	if len(h.Missing) > 0 {
		return exit(hindcast.ExitUsage)
	}
	return nil
}

// lines are what was found: what it is, its version, and where it is.
func (h health) lines() [][]string {
	const none = "-"
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	where := none
	if h.Spark.SparkHome != "" {
		where = fmt.Sprintf("%s (%s)", h.Spark.SparkHome, h.Spark.FoundAs)
	}
	lines := [][]string{
		{"Spark", or(h.Spark.Version, none), where},
		{"Scala", or(h.Spark.Scala, none), ""},
		{"Hadoop client", or(h.Spark.Hadoop, none), ""},
		{"Java", or(h.Spark.JavaVersion, none), h.Spark.Java},
		{"Python", or(h.Spark.PythonVersion, none), h.Spark.Python},
		{"master", h.Master.Master, h.Master.State},
	}
	if h.Spark.Hadoop == "" && h.Spark.Version != "" {
		lines[2][2] = "not among Spark's jars: a lake in a bucket needs one"
	}
	if h.S3A != nil {
		lines = slices.Insert(lines, 3, []string{"hadoop-aws", or(h.S3A.Version, none), h.S3A.Found})
	}
	return lines
}
