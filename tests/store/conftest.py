"""The store over moto's server."""

from typing import Any

import pytest

from harness.tables import new_table
from shared.store.dynamodb import TableClient, connect
from shared.store.session_table import SessionTable


@pytest.fixture
def client(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    return connect()


@pytest.fixture
def table_name(client: Any) -> str:
    return new_table(client)


@pytest.fixture
def table(client: Any, table_name: str) -> SessionTable:
    return SessionTable(TableClient(client, table_name))
