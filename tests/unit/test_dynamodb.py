"""The DynamoDB client, and how many attempts a call makes in the time that is left."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from shared.clock import Deadline, Timer
from shared.errors import TableUnavailable
from shared.limits import Limits
from shared.store.dynamodb import ConditionFailed, TableClient, connect

LIMITS = Limits()
ATTEMPT = LIMITS.aws_attempt_seconds


@dataclass
class Waiting:
    """A client whose calls each take the time of an attempt, and then fail."""

    failure: Exception
    now: float = 0.0
    calls: int = 0
    slept: list[float] = field(default_factory=list)

    def get_item(self, **_: Any) -> Any:
        self.calls += 1
        self.now += ATTEMPT
        raise self.failure

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def table(self, seconds: float) -> TableClient:
        deadline = Deadline.after(seconds, Timer(lambda: self.now, self.sleep))
        client: Any = self
        return TableClient(client=client, table="t", limits=LIMITS, deadline=deadline)


def refusal(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "GetItem")


TIMEOUT = ReadTimeoutError(endpoint_url="http://dynamodb.test")


@pytest.mark.parametrize(
    "failure", [TIMEOUT, refusal("ThrottlingException"), refusal("InternalServerError", 500)]
)
def test_transient_failure_gets_another_attempt(failure: Exception) -> None:
    waiting = Waiting(failure)
    with pytest.raises(TableUnavailable):
        waiting.table(60)("get_item")
    assert waiting.calls == LIMITS.aws_attempts
    assert waiting.slept == [LIMITS.aws_retry_pause_seconds]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_refusal_that_stays_gets_one_attempt(code: str) -> None:
    waiting = Waiting(refusal(code))
    with pytest.raises(TableUnavailable):
        waiting.table(60)("get_item")
    assert waiting.calls == 1


@pytest.mark.parametrize(("seconds", "attempts"), [(0, 0), (ATTEMPT - 0.1, 0), (ATTEMPT, 1)])
def test_attempt_begins_only_if_it_ends_in_time(seconds: float, attempts: int) -> None:
    waiting = Waiting(TIMEOUT)
    with pytest.raises(TableUnavailable):
        waiting.table(seconds)("get_item")
    assert waiting.calls == attempts
    assert waiting.now <= seconds


def test_condition_that_fails_after_a_lost_attempt_counts_as_retried() -> None:
    failures = [TIMEOUT, refusal("ConditionalCheckFailedException")]
    waiting = Waiting(TIMEOUT)

    def get_item(**_: Any) -> Any:
        raise failures.pop(0)

    waiting.get_item = get_item  # type: ignore[method-assign]
    with pytest.raises(ConditionFailed) as failed:
        waiting.table(60)("get_item")
    assert failed.value.retried


def test_endpoint_region_and_credentials_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    client: Any = connect(Limits())
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.region_name == "eu-west-3"
    assert client._request_signer._credentials.access_key == "somebody"
    client.close()


def test_transaction_carries_a_token_that_identifies_a_retry() -> None:
    """One of botocore's handlers adds the token, by which DynamoDB recognises a retry."""
    sent: list[str] = []
    client: Any = connect(Limits())

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.append(params["body"].decode())
        raise InterruptedError

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", note)
    with pytest.raises(InterruptedError):
        client.transact_write_items(TransactItems=[])
    assert "ClientRequestToken" in sent[0]
    client.close()
