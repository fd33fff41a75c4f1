"""The laptop's queue: the same calls as on AWS, and a poller in Lambda's place."""

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local.environments import InvocationFailed
from local.queue import QUEUE_NAME, create_queues, poll, polling, queue_url
from local.template import queue_handler, read_template
from shared.clock import Deadline
from shared.limits import Limits
from shared.store.revocation_queue import RevocationQueue
from tests.support.up import ROOT

DONE: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def client(moto_url: str) -> Iterator[Any]:
    client = boto3.client("sqs", endpoint_url=moto_url)
    yield client
    client.close()


def queue_at(client: Any, url: str) -> RevocationQueue:
    return RevocationQueue(client=client, url=url, limits=Limits(), deadline=Deadline.after(3600))


@pytest.fixture
def queue(client: Any) -> RevocationQueue:
    name = uuid.uuid4().hex
    return queue_at(client, create_queues(client, name, f"dead-{name}"))


def left(queue: RevocationQueue) -> int:
    """Count the messages of the queue, those that wait for their next delivery too."""
    found = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])
    waiting = found["Attributes"]["ApproximateNumberOfMessages"]
    return int(waiting) + int(found["Attributes"]["ApproximateNumberOfMessagesNotVisible"])


def test_message_is_delivered_as_lambda_does_and_deleted(queue: RevocationQueue) -> None:
    events: list[dict[str, Any]] = []
    sent = queue.send("text")

    def deliver(event: dict[str, Any]) -> Any:
        events.append(event)
        return DONE

    assert poll(queue.client, queue.url, deliver)
    assert not poll(queue.client, queue.url, deliver)
    (record,) = events[0]["Records"]
    assert (record["messageId"], record["body"]) == (sent, "text")
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(f":{QUEUE_NAME}")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert left(queue) == 0


@pytest.mark.parametrize("answer", [{"batchItemFailures": [{"itemIdentifier": "x"}]}, None, {}])
def test_message_that_failed_stays(queue: RevocationQueue, answer: Any) -> None:
    queue.send("text")
    assert poll(queue.client, queue.url, lambda event: answer)
    assert left(queue) == 1


def test_function_that_crashed_leaves_the_message(queue: RevocationQueue) -> None:
    def crash(event: dict[str, Any]) -> Any:
        raise InvocationFailed

    queue.send("text")
    assert poll(queue.client, queue.url, crash)
    assert left(queue) == 1


def test_poller_delivers_while_the_stack_runs(client: Any, moto_url: str) -> None:
    delivered = threading.Event()

    def deliver(event: dict[str, Any]) -> Any:
        delivered.set()
        return DONE

    queue = queue_at(client, queue_url(moto_url))
    with polling(moto_url, deliver):
        queue.send("text")
        assert delivered.wait(30)
    assert left(queue) == 0


def test_queue_leads_to_the_function_of_the_template() -> None:
    template = read_template(ROOT / "template.yaml")
    assert queue_handler(template) == "functions.notifications.app.handler"
