"""Send calls to the SQS queue of revocations that could not be carried out at once."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import Session

from shared.clock import Deadline
from shared.errors import QueueUnavailable
from shared.limits import Limits
from shared.observability import Span, no_span
from shared.store.dynamodb import aws_config

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def connect(limits: Limits) -> "SQSClient":
    """Return an SQS client with these time limits. All else is botocore's own settings."""
    client: Any = Session().create_client("sqs", config=aws_config(limits))
    return cast("SQSClient", client)


@dataclass(frozen=True, kw_only=True, slots=True)
class RevocationQueue:
    """Calls on one queue until a deadline. Each raises QueueUnavailable when SQS does not confirm.

    If a response is lost, a message is sent twice, so receiving one must be idempotent.
    """

    client: "SQSClient"
    url: str
    limits: Limits
    deadline: Deadline
    span: Span = no_span

    def until(self, deadline: Deadline) -> "RevocationQueue":
        """Return the queue with this deadline."""
        return replace(self, deadline=deadline)

    def send(self, text: str) -> str:
        """Put a message into the queue, and return its id."""
        answer = self._call("send_message", expected="MessageId", MessageBody=text)
        return str(answer["MessageId"])

    def delay(self, receipt: str, *, seconds: int) -> None:
        """Deliver a received message again after so many seconds."""
        self._call(
            "change_message_visibility",
            expected="ResponseMetadata",
            ReceiptHandle=receipt,
            VisibilityTimeout=seconds,
        )

    def _call(self, operation: str, *, expected: str, **arguments: Any) -> dict[str, Any]:
        """Make as many attempts as the limits and the deadline allow."""
        failure = QueueUnavailable(f"{operation}: no time is left")
        for _ in range(self.limits.aws_attempts):
            if self.deadline.left() < self.limits.aws_attempt_seconds:
                break
            try:
                with self.span(f"SQS {operation}"):
                    answer: dict[str, Any] = getattr(self.client, operation)(
                        QueueUrl=self.url, **arguments
                    )
                if answer.get(expected):
                    return answer
                # botocore parses a body that is not JSON as an empty response.
                failure = QueueUnavailable(f"{operation}: the response is not SQS's")
            except (BotoCoreError, ClientError, ResponseParserError) as fault:
                failure = QueueUnavailable(f"{operation}: {type(fault).__name__}")
            self.deadline.pause(self.limits.aws_retry_pause_seconds)
        raise failure
