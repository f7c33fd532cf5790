#!/usr/bin/env bash
# moto's Glue: a run carries the job's worker type and number but not its Glue version, and runs are listed oldest first.
# A scheduler that takes the first run for the latest passes its tests against moto and fails on AWS.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'moto[glue]==5.2.5' boto3==1.44.8

cat >try.py <<'PYTHON'
import os
from importlib.metadata import version

import boto3
from moto import mock_aws

os.environ.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_DEFAULT_REGION="us-east-1")
with mock_aws():
    glue = boto3.client("glue")
    glue.create_job(Name="j", Role="arn:aws:iam::123456789012:role/r", GlueVersion="4.0", WorkerType="G.2X", NumberOfWorkers=10,
                    ExecutionProperty={"MaxConcurrentRuns": 3}, Command={"Name": "glueetl", "ScriptLocation": "s3://bucket/job.py"})
    ids = [glue.start_job_run(JobName="j")["JobRunId"] for _ in range(3)]
    run = glue.get_job_run(JobName="j", RunId=ids[0])["JobRun"]
    listed = [r["Id"] for r in glue.get_job_runs(JobName="j")["JobRuns"]]

print(f"moto {version('moto')}, boto3 {version('boto3')}")
print("Expected: a run of Glue 4.0 on 10 G.2X workers, and the newest of three runs first.")
print(f"Seen:     Glue {run['GlueVersion']} on {run['NumberOfWorkers']} {run['WorkerType']}; started order "
      f"{[listed.index(i) + 1 for i in ids]} in the list.")
assert run["GlueVersion"] == "0.9" and listed == ids, (run, listed)
PYTHON
venv/bin/python try.py
