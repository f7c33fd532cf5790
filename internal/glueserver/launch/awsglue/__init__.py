"""What scripts import as awsglue, on a machine without AWS: options, GlueContext over a session of Spark, Job. Everything else
is there by name, and says so when it is used."""


class NotHere(NotImplementedError):
    """Something of awsglue that hindcast's own does not have."""

    def __init__(self, name):
        super().__init__(name + " is not in hindcast's awsglue: use Spark's DataFrames in its place, or run this job on AWS Glue")
