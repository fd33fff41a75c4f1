"""Write logs, metrics and traces through Powertools.

Never log values received from a browser or the provider: only fixed names and slugs. A metric is
one line of CloudWatch's embedded metric format.
"""

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

from shared.errors import SignInError

NAMESPACE: Final = "ServerlessSignIn"

SIGN_IN_STARTED: Final = "SignInStarted"
SIGN_IN_SUCCEEDED: Final = "SignInSucceeded"
SIGN_IN_FAILED: Final = "SignInFailed"
"""Failed sign-ins, by the dimension `reason`, the slug of an error."""
SIGNED_OUT: Final = "SignedOut"
SESSIONS_ENDED: Final = "SessionsEnded"
"""Sessions that a message from Logto or an operator ended."""
GROUPS_OVERAGE: Final = "GroupsOverage"
"""Sign-ins for which Entra left groups out of its token."""
REQUEST_DENIED: Final = "RequestDenied"
"""Requests that the authorizer denied, by the dimension `reason`."""
REFRESH_CONTENDED: Final = "RefreshContended"
"""Requests that waited while another one refreshed a token of the same session."""
MESSAGE_ACCEPTED: Final = "MessageAccepted"
"""Messages from Logto that were carried out, at once or from the queue, or that need nothing."""
MESSAGE_QUEUED: Final = "MessageQueued"
"""Valid messages that could not be carried out at once, and were put into the queue."""
MESSAGE_REFUSED: Final = "MessageRefused"
"""Messages that fail a check."""
MESSAGE_NOT_JUDGED: Final = "MessageNotJudged"
"""Messages that could not be checked, by the dimension `reason`; a genuine one is lost."""
GRANT_EVICTED: Final = "GrantEvicted"
"""Webhooks that say that a user has more grants of this application than Logto keeps."""
PROBLEMS: Final = "Problems"
"""Log lines that need an operator's attention, by the dimension `reason`."""
COLD_START: Final = "ColdStart"
"""First requests of processes, including those restored from a snapshot."""


class Observer:
    """Writes log lines and metrics."""

    def __init__(self, logger: Logger, *, service: str) -> None:
        self._logger = logger
        self._service = service
        self._has_begun = False

    def begin(self, context: object, *, correlation_id: str | None = None) -> None:
        """Start an invocation: drop the previous one's keys, and put its ids on every line."""
        request_id = str(getattr(context, "aws_request_id", ""))[:64]
        self._logger.clear_state()
        self._logger.append_keys(function_request_id=request_id)
        self._logger.set_correlation_id(request_id if correlation_id is None else correlation_id)
        if not self._has_begun:
            self._has_begun = True
            self.count(COLD_START)

    def event(self, message: str, **fields: str | int | bool | None) -> None:
        """Log an event. Fields hold fixed names and slugs, never received values."""
        self._logger.info(message, extra=dict(fields))

    def problem(self, message: str, **fields: str | int | bool | None) -> None:
        """Log what needs an operator's attention, and count it by its `reason`."""
        self._logger.error(message, extra=dict(fields))
        self.count(PROBLEMS, reason=str(fields.get("reason") or "error"))

    def failure(self, message: str, failure: BaseException) -> None:
        """Log an error of this product as a problem, and any other exception as a fault."""
        if isinstance(failure, SignInError):
            self.problem(message, reason=failure.error, detail=str(failure))
        else:
            self.fault(failure)

    def fault(self, failure: BaseException) -> None:
        """Log an unexpected exception by type and stack; its text may contain secrets."""
        frames = traceback.extract_tb(failure.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        self._logger.error(
            "unexpected exception", extra={"exception": type(failure).__name__, "places": places}
        )
        self.count(PROBLEMS, reason="exception")

    def count(self, metric: str, *, reason: str | None = None, value: int = 1) -> None:
        """Add to a metric, with a reason by that dimension and in total.

        Powertools' own settings `POWERTOOLS_METRICS_...` name the namespace, and switch metrics
        off.
        """
        line = AmazonCloudWatchEMFProvider(
            namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or NAMESPACE,
            service=self._service,
        )
        line.add_metric(name=metric, unit=MetricUnit.Count, value=value)
        if reason is not None:
            line.add_dimensions(service=self._service, reason=reason)
        line.flush_metrics()


def observer(service: str) -> Observer:
    """Return the observer of a function; Powertools' own settings choose the log level."""
    return Observer(Logger(service=service, utc=True, location=None), service=service)


Span = Callable[[str], AbstractContextManager[None]]
"""Open an X-Ray subsegment of this name while the context lasts."""


def no_span(name: str) -> AbstractContextManager[None]:
    """Do nothing: tracing is off."""
    return nullcontext()


def spans(environment: Mapping[str, str], *, service: str) -> Span:
    """Return a function that opens X-Ray subsegments, by name alone: texts may contain secrets.

    It does nothing, and loads nothing, unless Powertools' setting `POWERTOOLS_TRACE_DISABLED` is
    `false`.
    """
    if environment.get("POWERTOOLS_TRACE_DISABLED", "true").strip().lower() != "false":
        return no_span
    from aws_lambda_powertools import Tracer

    tracer = Tracer(service=service, auto_patch=False)
    if tracer.disabled:
        return no_span  # outside of Lambda there is no X-Ray daemon
    recorder: Any = tracer.provider

    @contextmanager
    def span(name: str) -> Iterator[None]:
        subsegment = recorder.begin_subsegment(name)
        try:
            yield
        except BaseException:
            if subsegment is not None:
                subsegment.add_fault_flag()
            raise
        finally:
            recorder.end_subsegment()

    return span
