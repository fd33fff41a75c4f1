"""The client is botocore's own, down to each handler that a call to DynamoDB reaches."""

from typing import Any

import pytest
from botocore.config import Config
from botocore.session import get_session

from shared.store.dynamodb import connect
from shared.store.dynamodb_client import make_client
from tests.support.patience import AS_DEPLOYED

EVENTS = (
    "before-parameter-build",
    "provide-client-params",
    "before-call",
    "request-created",
    "before-sign",
    "choose-signer",
    "before-send",
    "needs-retry",
    "response-received",
    "before-parse",
    "after-call",
    "after-call-error",
)
OPERATIONS = (
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Scan",
    "TransactWriteItems",
    "UpdateItem",
)


def reached(client: Any, event: str) -> list[str]:
    """The names of the handlers of an event."""
    emitter = client.meta.events._emitter
    found = emitter._handlers.prefix_search(event)
    return sorted(getattr(handler, "__qualname__", type(handler).__name__) for handler in found)


@pytest.fixture
def usual() -> Any:
    return get_session().create_client("dynamodb", config=AS_DEPLOYED)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_event_reaches_the_handlers_that_it_usually_does(usual: Any, operation: str) -> None:
    ours = connect()
    for event in EVENTS:
        name = f"{event}.dynamodb.{operation}"
        assert reached(ours, name) == reached(usual, name), name
    assert reached(ours, f"before-call.dynamodb.{operation}")
    usual.close()
    ours.close()


def test_it_has_the_same_operations(usual: Any) -> None:
    ours = connect()
    names = {name for name in dir(usual) if not name.startswith("_")}
    assert {name for name in dir(ours) if not name.startswith("_")} == names
    usual.close()
    ours.close()


def test_endpoint_region_and_credentials_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    client: Any = make_client(Config())
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.region_name == "eu-west-3"
    assert client._request_signer._credentials.access_key == "somebody"
    client.close()


def test_a_transaction_can_be_repeated() -> None:
    """One of the handlers gives each transaction a token by which a retry is known."""
    sent: list[str] = []
    client: Any = connect()

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.append(params["body"].decode())
        raise InterruptedError

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", note)
    with pytest.raises(InterruptedError):
        client.transact_write_items(TransactItems=[])
    assert "ClientRequestToken" in sent[0]
    client.close()
