"""The store over moto's server."""

import uuid
from typing import Any

import pytest

from shared.table import Table, connect


@pytest.fixture
def client(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", moto_url)
    return connect()


@pytest.fixture
def table_name(client: Any) -> str:
    name = f"sessions-{uuid.uuid4().hex[:8]}"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture
def table(client: Any, table_name: str) -> Table:
    return Table(client, table_name)
