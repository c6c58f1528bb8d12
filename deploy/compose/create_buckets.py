"""Create the buckets that the command line names, in the store that the AWS_ variables name."""

import sys

import boto3
from botocore.exceptions import ClientError

client = boto3.client("s3")
for bucket in sys.argv[1:]:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:  # noqa: PLR2004 -- not found.
            raise
        client.create_bucket(Bucket=bucket)
