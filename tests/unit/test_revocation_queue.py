"""The client of the queue: attempts within the time that there is, and what counts as sent."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from shared.bootstrap import compose
from shared.clock import Deadline, Timer
from shared.errors import Misconfigured, QueueUnavailable
from shared.limits import Limits
from shared.services import Services
from shared.store.revocation_queue import RevocationQueue, connect

LIMITS = Limits()
ATTEMPT = LIMITS.aws_attempt_seconds
URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/revocations"
REFUSAL = ClientError({"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue"}}, "SendMessage")
FAILURES = [REFUSAL, ReadTimeoutError(endpoint_url=URL), ResponseParserError("no JSON")]


@dataclass
class Client:
    """Answers in turn, each as late as an attempt may."""

    answers: list[Any]
    now: float = 0.0
    sent: list[dict[str, Any]] = field(default_factory=list)

    def send_message(self, **arguments: Any) -> Any:
        self.sent.append(arguments)
        self.now += ATTEMPT
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    change_message_visibility = send_message

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def queue(self, seconds: float) -> RevocationQueue:
        deadline = Deadline.after(seconds, Timer(lambda: self.now, self.sleep))
        client: Any = self
        return RevocationQueue(client=client, url=URL, limits=LIMITS, deadline=deadline)


def test_message_is_sent_once() -> None:
    client = Client([{"MessageId": "one"}])
    assert client.queue(60).send("text") == "one"
    assert client.sent == [{"QueueUrl": URL, "MessageBody": "text"}]


@pytest.mark.parametrize("failure", [*FAILURES, {}, {"MessageId": ""}, {"MessageId": None}])
def test_failure_gets_another_attempt(failure: Any) -> None:
    client = Client([failure, {"MessageId": "two"}])
    assert client.queue(60).send("text") == "two"
    assert len(client.sent) == LIMITS.aws_attempts
    with pytest.raises(QueueUnavailable):
        Client([failure, failure]).queue(60).send("text")


@pytest.mark.parametrize(("seconds", "attempts"), [(ATTEMPT - 0.1, 0), (2 * ATTEMPT, 1)])
def test_no_attempt_begins_that_could_end_too_late(seconds: float, attempts: int) -> None:
    client = Client([REFUSAL, REFUSAL])
    with pytest.raises(QueueUnavailable):
        client.queue(seconds).send("text")
    assert len(client.sent) == attempts
    assert client.now <= seconds


def test_time_that_is_kept_for_the_queue_is_enough_for_all_attempts() -> None:
    needed = LIMITS.aws_attempts * (ATTEMPT + LIMITS.aws_retry_pause_seconds)
    assert needed < LIMITS.queue_seconds < LIMITS.message_seconds / 2


def test_delivery_is_delayed() -> None:
    client = Client([{"ResponseMetadata": {"RequestId": "x"}}])
    client.queue(60).delay("receipt", seconds=120)
    assert client.sent == [{"QueueUrl": URL, "ReceiptHandle": "receipt", "VisibilityTimeout": 120}]
    with pytest.raises(QueueUnavailable):
        Client([REFUSAL, REFUSAL]).queue(60).delay("receipt", seconds=120)


def test_failure_names_no_received_value() -> None:
    fault = ClientError({"Error": {"Code": "canary", "Message": "canary"}}, "SendMessage")
    with pytest.raises(QueueUnavailable) as failure:
        Client([fault, fault]).queue(60).send("canary")
    assert "canary" not in str(failure.value)


def test_client_makes_one_attempt_within_the_limits() -> None:
    client: Any = connect(LIMITS)
    assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert client.meta.config.read_timeout == LIMITS.aws_read_seconds
    client.close()


def composed(**variables: str) -> Services:
    required = {"LOGTO_ENDPOINT": "https://a.test", "LOGTO_APP_ID": "a", "TABLE_NAME": "abc"}
    return compose({**required, **variables}, service="notifications", needs_app_secret=False)


@pytest.mark.parametrize("close", [True, False])
def test_queue_is_made_once_and_only_if_it_is_used(close: bool) -> None:
    services = composed(REVOCATION_QUEUE_URL=f"{URL}/")
    if close:
        services.close_connections()
    assert services.revocation_queue().client is services.revocation_queue().client
    assert services.revocation_queue().url == URL
    services.close_connections()


def test_queue_that_is_not_set_is_misconfigured() -> None:
    with pytest.raises(Misconfigured, match="REVOCATION_QUEUE_URL"):
        composed().revocation_queue()
