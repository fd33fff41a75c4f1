"""SQS on this machine: moto's queues, and Lambda's poller, which delivers messages to a function.

The functions send to the queue as on AWS. What Lambda does there by its event source, a thread does
here: it receives a message, invokes the function with it, and deletes it unless it failed.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.environments import InvocationFailed
from local.table import DIRECT

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

QUEUE_NAME: Final = "sign-in-revocations"
DEAD_LETTERS: Final = "sign-in-dead-letters"
_RECEIVES: Final = 36
"""As in `template.yaml`."""
_PAUSE_SECONDS: Final = 1.0
FUNCTION_SECONDS: Final = 30.0

Deliver = Callable[[dict[str, Any]], Any]
"""Invoke the function with an event; its answer. Raises InvocationFailed."""


def queue_url(endpoint: str) -> str:
    """Return the URL that moto gives the queue."""
    return f"{endpoint}/123456789012/{QUEUE_NAME}"


def create_queues(client: "SQSClient", name: str = QUEUE_NAME, dead: str = DEAD_LETTERS) -> str:
    """Create the queue and its dead-letter queue as `template.yaml` does; the queue's URL."""
    dead_url = client.create_queue(QueueName=dead)["QueueUrl"]
    found = client.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    redrive = {
        "deadLetterTargetArn": found["Attributes"]["QueueArn"],
        "maxReceiveCount": _RECEIVES,
    }
    created = client.create_queue(
        QueueName=name,
        Attributes={"VisibilityTimeout": "180", "RedrivePolicy": json.dumps(redrive)},
    )
    return created["QueueUrl"]


def event_of(message: "MessageTypeDef") -> dict[str, Any]:
    """Build the event with which Lambda delivers a message that was received."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": dict(message.get("Attributes", {})),
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{QUEUE_NAME}",
                "awsRegion": "us-east-1",
            }
        ]
    }


def poll(client: "SQSClient", url: str, deliver: Deliver) -> bool:
    """Receive a message if there is one, and deliver it. Return whether there was one."""
    received = client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=1, MessageSystemAttributeNames=["All"]
    )
    messages = received.get("Messages", [])
    for message in messages:
        with suppress(InvocationFailed):  # it comes again after the queue's own timeout
            answer = deliver(event_of(message))
            if answer == {"batchItemFailures": []}:
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bool(messages)


@contextmanager
def polling(endpoint: str, deliver: Deliver) -> Iterator[None]:
    """Deliver the queue's messages while the context lasts."""
    client = boto3.client("sqs", endpoint_url=endpoint, config=DIRECT)
    url = create_queues(client)
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            found = False
            with suppress(BotoCoreError, ClientError):
                found = poll(client, url, deliver)
            if not found:
                stop.wait(_PAUSE_SECONDS)

    thread = threading.Thread(target=run, name="queue")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        client.close()
