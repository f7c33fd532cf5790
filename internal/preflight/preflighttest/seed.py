"""An account with what a pipeline on Glue over Redshift needs, made by boto3. Prints what it made as JSON."""
import json, sys
import boto3

region, account = sys.argv[1:]
client = lambda name: boto3.client(name, region_name=region)
trust = lambda service: json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})

iam = client("iam")
iam.create_user(UserName="etl")
key = iam.create_access_key(UserName="etl")["AccessKey"]
iam.create_role(RoleName="hindcast-glue", Path="/jobs/", AssumeRolePolicyDocument=trust("glue.amazonaws.com"))
iam.create_role(RoleName="emr", AssumeRolePolicyDocument=trust("emr-serverless.amazonaws.com"))
iam.create_role(RoleName="redshift", AssumeRolePolicyDocument=trust("redshift.amazonaws.com"))

client("s3").create_bucket(Bucket="my-lake", CreateBucketConfiguration={"LocationConstraint": region})
boto3.client("s3", region_name="us-west-2").create_bucket(Bucket="far-lake", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})

ec2, glue = client("ec2"), client("glue")
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{region}.s3", VpcEndpointType="Gateway", RouteTableIds=[table])
group = ec2.create_security_group(GroupName="workers", Description="of Glue", VpcId=vpc)["GroupId"]
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "UserIdGroupPairs": [{"GroupId": group}]}])
subnets = {}
for i, zone in enumerate("abc"):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{16 * i}.0/20", AvailabilityZone=region + zone)["Subnet"]["SubnetId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    subnets[zone] = subnet
small = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.64.0/26", AvailabilityZone=region + "a")["Subnet"]["SubnetId"]  # in the main table
for name, subnet in [("vpc-" + zone, subnet) for zone, subnet in subnets.items()] + [("vpc-small", small)]:
    glue.create_connection(ConnectionInput={"Name": name, "ConnectionType": "NETWORK", "ConnectionProperties": {}, "PhysicalConnectionRequirements": {
        "SubnetId": subnet, "SecurityGroupIdList": [group], "AvailabilityZone": region + name[4:5].replace("s", "a")}})
glue.create_connection(ConnectionInput={"Name": "no-subnet", "ConnectionType": "NETWORK", "ConnectionProperties": {}})

client("redshift").create_cluster(ClusterIdentifier="shop", NodeType="ra3.4xlarge", NumberOfNodes=4, ClusterType="multi-node", DBName="shop",
    MasterUsername="admin", MasterUserPassword="Not-used-1", IamRoles=[f"arn:aws:iam::{account}:role/redshift"])
address = client("redshift").describe_clusters(ClusterIdentifier="shop")["Clusters"][0]["Endpoint"]["Address"]
print(json.dumps({"address": address, "id": key["AccessKeyId"], "secret": key["SecretAccessKey"], "vpc": vpc, "group": group, "subnets": subnets, "small": small}))
