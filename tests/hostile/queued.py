"""The queue of revocations, and the function that sends to it and processes it."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3

from local.queue import create_queues, event_of
from tests.hostile.faults import Faults
from tests.hostile.leaving import Leaving, fresh, leaving
from tests.hostile.scene import Scene


@dataclass(slots=True)
class Queued:
    """A stage whose function has a queue; the test is the poller that delivers its messages."""

    stage: Leaving
    client: Any
    url: str
    events: list[dict[str, Any]] = field(default_factory=list)
    """An event for each message that is in the queue."""
    deliveries: int = 0
    delays: list[int] = field(default_factory=list)
    """The delay that the function asked for after each delivery that failed."""

    @property
    def table(self) -> Faults:
        """New faults of the table, which every function shares."""
        return Faults(self.stage.scene.process.client)

    @property
    def queue(self) -> Faults:
        """New faults of the queue, as the function sees it."""
        return Faults(self.function_client, "sqs")

    @property
    def function_client(self) -> Any:
        services = self.stage.notifications.services
        assert services is not None
        return services.revocation_queue().client

    def receive(self) -> list[dict[str, Any]]:
        """Receive what was sent since, and return the events of all messages that are left."""
        while found := self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        ).get("Messages"):
            self.events += [event_of(message) for message in found]
        return self.events

    def bodies(self) -> list[dict[str, Any]]:
        """Return the content of the messages."""
        return [json.loads(event["Records"][0]["body"]) for event in self.receive()]

    def deliver(self) -> bool:
        """Deliver every message once more. Return whether all were carried out, and so deleted."""
        self.deliveries += 1
        left = []
        for event in self.receive():
            (record,) = event["Records"]
            record["attributes"]["ApproximateReceiveCount"] = str(self.deliveries)
            answer = self.stage.notifications.handler(copy.deepcopy(event), None)
            if answer == {"batchItemFailures": []}:
                continue
            assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
            left.append(event)
        self.events = left
        return not left

    def note_delay(self, params: Any, **_: Any) -> None:
        body = json.loads(params["body"])
        self.delays.append(body["VisibilityTimeout"])


@contextmanager
def queued(scene: Scene, *, is_set: bool = True, **changes: Any) -> Iterator[Queued]:
    """Prepare two sessions of one user, one of another, and a function with an empty queue.

    Without `is_set` the queue exists, but the function's setting for it is empty.
    """
    client = boto3.client("sqs")
    url = create_queues(client, f"revocations-{fresh()}", f"dead-{fresh()}")
    settings = {"REVOCATION_QUEUE_URL": url if is_set else ""}
    with leaving(scene, settings=settings, **changes) as stage:
        started = Queued(stage, client, url)
        if is_set:
            event = "before-call.sqs.ChangeMessageVisibility"
            started.function_client.meta.events.register(event, started.note_delay)
        yield started
    client.close()
