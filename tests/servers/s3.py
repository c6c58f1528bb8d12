"""What all S3 servers of tests have in common."""

from typing import NamedTuple


class S3Server(NamedTuple):
    """How to reach an S3 server.

    Attributes:
        endpoint: its URL.
        access_key: a user that may do everything.
        secret_key: the user's.
        scheme: of the URLs of its buckets.
    """

    endpoint: str
    access_key: str
    secret_key: str
    scheme: str = "s3"

    @property
    def env(self) -> dict[str, str]:
        """The variables that lead AWS's clients to it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            # The user's own settings are not for tests.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def create_bucket(self, name: str) -> None:
        """Create a bucket."""
        import boto3

        boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
        ).create_bucket(Bucket=name)
