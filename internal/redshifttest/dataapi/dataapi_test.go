//go:build unix

package dataapi_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
	"github.com/hindcast/hindcast/internal/redshifttest/dataapi"
	"github.com/hindcast/hindcast/internal/s3test"
)

// client is boto3, with all answers validated by botocore's model, and what it prints.
const client = `
import boto3, botocore.session, os, sys, time
from botocore.exceptions import ClientError, ParamValidationError
from botocore.validate import ParamValidator

api = boto3.client('redshift-data')
model = botocore.session.get_session().get_service_model('redshift-data')
def call(operation, **parameters):
    answer = getattr(api, operation)(**parameters)
    answer.pop('ResponseMetadata')
    name = ''.join(word.capitalize() for word in operation.split('_'))
    shape = model.operation_model(name).output_shape
    unknown = set(answer) - set(shape.members)
    report = ParamValidator().validate(answer, shape)
    if unknown or report.has_errors():
        print(operation, unknown, report.generate_report())
    return answer
def refused(operation, **parameters):
    try:
        call(operation, **parameters)
        print(operation, 'was not refused')
    except ClientError as e:
        print(e.response['Error']['Code'])
def run(sql, **more):
    started = call('execute_statement', Sql=sql, **more)
    ended = call('describe_statement', Id=started['Id'], WaitTimeSeconds=20)
    return started, ended

to = dict(ClusterIdentifier='shop', Database=os.environ['DATABASE'], SecretArn='arn:secret')
_, ended = run('CREATE TABLE t (id int, ok bool, name varchar(10), amount decimal(18,2), at timestamp, f float)', **to)
print(ended['Status'], ended['HasResultSet'])
_, ended = run("INSERT INTO t SELECT n, true, 'x', 1.50, '2024-02-29 12:00:00', 0.5 FROM generate_series(1, 250) AS n", **to)
print(ended['Status'], ended['ResultRows'])
started, ended = run('SELECT id, ok, name, amount, at, f, NULL AS none FROM t ORDER BY id', **to)
print(ended['ResultRows'], call('get_statement_result', Id=started['Id'])['Records'][0])
print(sum(len(page['Records']) for page in api.get_paginator('get_statement_result').paginate(Id=started['Id'])))
_, ended = run('SELECT nothing FROM t', **to)
print(ended['Status'], ended['Error'])
_, ended = run('SELECT 1; SELECT 2', **to)
print(ended['Status'], ended['Error'])

# a session keeps its settings and its transaction
first, _ = run("SET search_path TO 'elsewhere'", SessionKeepAliveSeconds=60, **to)
session = first['SessionId']
for sql in ('BEGIN', 'DELETE FROM public.t WHERE id > 10', 'SHOW search_path'):
    started, ended = run(sql, SessionId=session)
print(call('get_statement_result', Id=started['Id'])['Records'])
run('ROLLBACK', SessionId=session)
started, _ = run('SELECT count(*) FROM public.t', SessionId=session)
print(call('get_statement_result', Id=started['Id'])['Records'])
refused('execute_statement', Sql='SELECT 1', SessionId=session, **to)
refused('execute_statement', Sql='SELECT 1', SessionId='00000000-0000-4000-8000-000000000000')

# one token, one statement
same = [call('execute_statement', Sql='INSERT INTO t (id) VALUES (1000)', ClientToken='once', WaitTimeSeconds=20, **to) for _ in range(3)]
print(len({answer['Id'] for answer in same}), same[-1]['Status'])
started, _ = run('SELECT count(*) FROM t WHERE id = 1000', **to)
print(call('get_statement_result', Id=started['Id'])['Records'])

# a batch is one transaction
batch = call('batch_execute_statement', Sqls=['DELETE FROM t', 'SELECT count(*) FROM t', 'SELECT nothing'], **to)
ended = call('describe_statement', Id=batch['Id'], WaitTimeSeconds=20)
print(ended['Status'], [(sub['Id'][len(batch['Id']):], sub['Status']) for sub in ended['SubStatements']])
batch = call('batch_execute_statement', Sqls=['DELETE FROM t WHERE id = 1000', 'SELECT count(*) FROM t'], **to)
call('describe_statement', Id=batch['Id'], WaitTimeSeconds=20)
print(call('get_statement_result', Id=batch['Id'] + ':2')['Records'])

# its limits
refused('execute_statement', Sql='SELECT ' + '1' * 100000, **to)
refused('batch_execute_statement', Sqls=['SELECT 1'] * 41, **to)
refused('describe_statement', Id='00000000-0000-4000-8000-000000000000')
refused('get_statement_result', Id=same[0]['Id'])
refused('cancel_statement', Id=same[0]['Id'])
refused('execute_statement', Sql='SELECT 1', Database='d', ClusterIdentifier='nowhere')
refused('execute_statement', Sql='SELECT 1', Database='d')
refused('list_databases', Database='d', ClusterIdentifier='shop')
`

func TestBotocore(t *testing.T) {
	t.Parallel()
	s3 := s3test.Start(t)
	database, api := redshifttest.Start(t, s3), dataapi.Start(t)
	api.Cluster("shop", database)
	api.Secret("arn:secret", dataapi.Secret{User: pgtest.User, Password: pgtest.Password})

	command := exec.CommandContext(t.Context(), pythontest.Python(t, "aws"), "-c", client)
	command.Env = append(append(os.Environ(), api.Env()...), "DATABASE="+database.Name, "AWS_DEFAULT_REGION="+control.Region, "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret")
	out, err := command.CombinedOutput()
	want := `FINISHED False
FINISHED 250
250 [{'longValue': 1}, {'booleanValue': True}, {'stringValue': 'x'}, {'stringValue': '1.50'}, {'stringValue': '2024-02-29 12:00:00'}, {'doubleValue': 0.5}, {'isNull': True}]
250
FAILED ERROR: column "nothing" does not exist
FAILED ERROR: cannot insert multiple commands into a prepared statement
[[{'stringValue': 'elsewhere'}]]
[[{'longValue': 250}]]
ValidationException
ValidationException
1 FINISHED
[[{'longValue': 1}]]
FAILED [(':1', 'FINISHED'), (':2', 'FINISHED'), (':3', 'FAILED')]
[[{'longValue': 250}]]
ValidationException
ValidationException
ResourceNotFoundException
ResourceNotFoundException
ValidationException
ValidationException
ValidationException
UnknownOperationException
`
	if err != nil || string(out) != want {
		t.Errorf("%v\ngot:\n%s\nwant:\n%s", err, out, want)
	}
}
