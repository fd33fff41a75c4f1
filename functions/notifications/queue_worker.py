"""Carry out queued revocations: Lambda delivers an SQS event, and is told what has failed.

The queue delivers failed messages again, and moves them to the dead-letter queue after too many
times. Whatever an event holds, nothing is raised: that would report all of its messages.
"""

from collections.abc import Mapping
from typing import Any, Final

from functions.notifications.revocation_request import RevocationRequest, carry_out
from shared.errors import SignInError
from shared.observability import MESSAGE_ACCEPTED
from shared.services import Services

EVENT_SOURCE: Final = "aws:sqs"
_DOUBLINGS: Final = 16
"""More than there are between the shortest and the longest delay."""


def is_queue_event(event: object) -> bool:
    """Return whether an event holds messages of SQS; API Gateway's has no `Records`."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    first = records[0] if isinstance(records, list) and records else None
    return isinstance(first, Mapping) and first.get("eventSource") == EVENT_SOURCE


def work_off(event: Mapping[str, Any], context: object, services: Services) -> dict[str, Any]:
    """Carry out the messages of an event; the answer names those that failed."""
    failed = [
        # Lambda takes an id that it does not know for a failure of the whole event.
        _text(record, "messageId")
        for record in event["Records"]
        if not _is_carried_out(record, context, services)
    ]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_carried_out(record: object, context: object, services: Services) -> bool:
    observer, limits = services.observer, services.limits
    observer.begin(context, correlation_id=_text(record, "messageId"))
    try:
        request = RevocationRequest.from_text(_member(record, "body"))
        # If its token was used already, there is nothing left to do.
        carry_out(request, services.before(limits.queue_seconds))
    except Exception as failure:  # noqa: BLE001 - reported; the queue delivers the message again
        observer.failure("queued message not carried out", failure)
        _delay(record, services)
        return False
    observer.count(MESSAGE_ACCEPTED)
    return True


def _delay(record: object, services: Services) -> None:
    """Make the queue wait longer after each failure; at worst it waits its own timeout."""
    limits, receipt = services.limits, _text(record, "receiptHandle")
    if not receipt:
        return
    seconds = limits.queue_delay_seconds * 2 ** min(_deliveries(record) - 1, _DOUBLINGS)
    try:
        services.revocation_queue().delay(
            receipt, seconds=min(seconds, limits.queue_longest_delay_seconds)
        )
    except SignInError as failure:
        services.observer.event("queued message not delayed", reason=failure.error)
    except Exception as failure:  # noqa: BLE001 - the queue has a timeout of its own
        services.observer.fault(failure)


def _deliveries(record: object) -> int:
    """Return how often the message was delivered, by SQS's own count; 1 if it is not known."""
    count = _text(_member(record, "attributes"), "ApproximateReceiveCount")
    return max(1, int(count)) if count.isascii() and count.isdigit() and len(count) <= 6 else 1


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None


def _text(value: object, name: str) -> str:
    member = _member(value, name)
    return member if isinstance(member, str) else ""
