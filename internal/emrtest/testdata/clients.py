"""Drives the API by boto3, and holds each answer to botocore's model of the service."""

import time

import boto3
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

emr = boto3.client("emr-serverless")
model = emr.meta.service_model


def call(operation, **arguments):
    """An operation's answer, which its model allows."""
    answer = getattr(emr, operation)(**arguments)
    name = emr.meta.method_to_api_mapping[operation]
    answer.pop("ResponseMetadata")
    shape = model.operation_model(name).output_shape
    report = ParamValidator().validate(answer, shape)
    assert not report.has_errors(), (name, report.generate_report(), answer)
    known(name, answer, shape)
    return answer


def known(where, value, shape):
    """Members are those of the model, and words are among its enumerations."""
    if shape.type_name == "structure":
        for name, member in value.items():
            assert name in shape.members, (where, name)
            known(where + "." + name, member, shape.members[name])
    elif shape.type_name == "list":
        for member in value:
            known(where, member, shape.member)
    elif shape.type_name == "string" and getattr(shape, "enum", None):
        assert value in shape.enum, (where, value)


def refused(operation, **arguments):
    try:
        call(operation, **arguments)
    except ClientError as e:
        return e.response["Error"]["Code"]
    raise AssertionError((operation, arguments))


def until(operation, key, *states, **arguments):
    while True:
        is_ = call(operation, **arguments)[key]
        if is_["state"] in states:
            return is_
        time.sleep(0.01)


application = call(
    "create_application", name="hindcast", releaseLabel="emr-7.12.0", type="SPARK", maximumCapacity={"cpu": "400 vCPU", "memory": "3000 GB", "disk": "2000 GB"},
    autoStartConfiguration={"enabled": False}, schedulerConfiguration={"maxConcurrentRuns": 2, "queueTimeoutMinutes": 60}, tags={"team": "finance"},
)["applicationId"]
until("get_application", "application", "CREATED", applicationId=application)
assert [a["id"] for a in call("list_applications")["applications"]] == [application]


def run(ends, token=None, **more):
    spark = {"entryPoint": "s3://scripts/x.py", "entryPointArguments": ["--ends", ends], "sparkSubmitParameters": "--conf spark.executor.cores=4"}
    if token:
        more["clientToken"] = token
    return call(
        "start_job_run", applicationId=application, executionRoleArn="arn:aws:iam::123456789012:role/hindcast", name="p/r1/2020-01-01/a1", jobDriver={"sparkSubmit": spark},
        configurationOverrides={"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://lake/logs/"}}}, executionTimeoutMinutes=60, tags={"a": "b"}, **more,
    )["jobRunId"]


# it does not start by itself; the answers of two starts are lost, and boto3 makes them again, with the token that it gave them
call("start_application", applicationId=application)
until("get_application", "application", "STARTED", applicationId=application)
first = run("well")
assert [r["id"] for r in call("list_job_runs", applicationId=application)["jobRuns"]] == [first]
print("a run was started once")

second = run("badly", "a-token")
assert run("badly", "a-token") == second
assert refused("start_job_run", applicationId=application, executionRoleArn="arn:aws:iam::123456789012:role/other", clientToken="a-token",
               jobDriver={"sparkSubmit": {"entryPoint": "s3://scripts/x.py"}}) == "ConflictException"
third = run("never")
until("get_job_run", "jobRun", "RUNNING", applicationId=application, jobRunId=third)
assert [r["id"] for r in call("list_job_runs", applicationId=application, states=["RUNNING", "QUEUED"])["jobRuns"]] == [third]
call("cancel_job_run", applicationId=application, jobRunId=third)
ends = [until("get_job_run", "jobRun", "SUCCESS", "FAILED", "CANCELLED", applicationId=application, jobRunId=r) for r in (first, second, third)]
print(*[e["state"] for e in ends])
assert ends[1]["stateDetails"] == "Job failed: told to" and ends[0]["tags"] == {"a": "b"}, ends

pages = list(emr.get_paginator("list_job_runs").paginate(applicationId=application, PaginationConfig={"PageSize": 2}))
assert [[r["id"] for r in page["jobRuns"]] for page in pages] == [[third, second], [first]], pages
assert call("list_job_runs", applicationId=application, createdAtAfter=ends[2]["createdAt"])["jobRuns"][-1]["id"] == third
assert refused("get_job_run", applicationId=application, jobRunId="nosuch") == "ResourceNotFoundException"
assert refused("cancel_job_run", applicationId=application, jobRunId=first) == "ValidationException"
assert refused("get_application", applicationId="nosuch") == "ResourceNotFoundException"
assert refused("delete_application", applicationId=application) == "ValidationException"

call("stop_application", applicationId=application)
until("get_application", "application", "STOPPED", applicationId=application)
call("delete_application", applicationId=application)
print(until("get_application", "application", "TERMINATED", applicationId=application)["state"])
