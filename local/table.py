"""The embedded DynamoDB: moto's server, and the product's table in it."""

import logging
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3

from local.options import TABLE_NAME

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "us-east-1"
"""The SAM CLI's emulator speaks to it where nobody says otherwise, and moto keeps regions apart."""
_NOBODY = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def isolate_from_aws(environment: MutableMapping[str, str]) -> None:
    """Be nobody at AWS: whatever account this machine knows is never spoken to."""
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment.update(_NOBODY)


def create_table(client: "DynamoDBClient", name: str) -> None:
    """Create a table with the schema of `template.yaml`."""
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client.update_time_to_live(
        TableName=name,
        TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
    )


@contextmanager
def running_table(host: str, port: int) -> Iterator[str]:
    """Serve an empty table while the context lasts; its endpoint on this machine."""
    from moto.server import ThreadedMotoServer  # slow, and not every command needs it

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    client = boto3.client("dynamodb", endpoint_url=endpoint)
    try:
        create_table(client, TABLE_NAME)
        yield endpoint
    finally:
        client.close()
        server.stop()
