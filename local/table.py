"""The embedded DynamoDB: moto's server with the product's table."""

import logging
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from local.options import TABLE_NAME
from provision.own_machine import bypass_proxies

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "us-east-1"
"""The default region of the SAM CLI's emulator. moto keeps the regions apart."""
DIRECT = Config(proxies={})
"""Settings of a client of this machine's own services: the environment's proxies are not used."""
_NO_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def isolate_from_aws(environment: MutableMapping[str, str]) -> None:
    """Replace all AWS variables, so that no account that this machine knows is ever used.

    What takes the place of AWS is on this machine, so proxies are bypassed on the way there.
    """
    bypass_proxies(environment)
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment.update(_NO_ACCOUNT)


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
    """Serve an empty table while the context lasts; its endpoint."""
    from moto.server import ThreadedMotoServer  # slow to import, and not every command needs it

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    client = boto3.client("dynamodb", endpoint_url=endpoint, config=DIRECT)
    try:
        create_table(client, TABLE_NAME)
        yield endpoint
    finally:
        client.close()
        server.stop()
