"""The store over moto's server."""

from typing import Any

import pytest

from harness.patience import PATIENT
from harness.tables import new_table, table_client
from shared.store.dynamodb import connect
from shared.store.session_table import SessionTable


@pytest.fixture
def client(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    return connect(PATIENT)


@pytest.fixture
def table_name(client: Any) -> str:
    return new_table(client)


@pytest.fixture
def table(client: Any, table_name: str) -> SessionTable:
    return SessionTable(table_client(client, table_name))
