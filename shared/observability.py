"""Write logs, metrics and traces through Powertools.

A log line is JSON with the correlation id that an error page shows. A metric is one line of
CloudWatch's embedded metric format, in the namespace that Powertools' own setting
`POWERTOOLS_METRICS_NAMESPACE` names. Never log values received from a browser or the provider: only
fixed names and slugs.
"""

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.functions import is_metrics_disabled
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

NAMESPACE: Final = "ServerlessSignIn"

SIGN_IN_STARTED: Final = "SignInStarted"
SIGN_IN_SUCCEEDED: Final = "SignInSucceeded"
SIGN_IN_FAILED: Final = "SignInFailed"
"""Counted by the dimension `reason`, the slug of an error."""
SIGNED_OUT: Final = "SignedOut"
SESSIONS_ENDED: Final = "SessionsEnded"
"""Sessions that a message of Logto's or an operator ended."""
GROUPS_OVERAGE: Final = "GroupsOverage"
"""Sign-ins for which Entra left groups out of its token."""
REQUEST_DENIED: Final = "RequestDenied"
"""Requests that the authorizer denied, by the dimension `reason`."""
REFRESH_CONTENDED: Final = "RefreshContended"
"""Requests that waited for another one's refresh of the same session."""
MESSAGE_ACCEPTED: Final = "MessageAccepted"
"""Messages of Logto's that were carried out."""
MESSAGE_REFUSED: Final = "MessageRefused"
"""Messages that fail a check; those that could not be carried out are problems."""
PROBLEMS: Final = "Problems"
"""Lines that an operator should look at, by the dimension `reason`."""
COLD_START: Final = "ColdStart"
"""First requests of a process, one restored from a snapshot included."""


class Observer:
    """Writes events and counts them."""

    def __init__(self, logger: Logger, *, service: str) -> None:
        self._logger = logger
        self._service = service
        self._has_begun = False

    def begin(self, *, correlation_id: str, request_id: str) -> None:
        """Forget the last request and put this one's ids on every line."""
        self._logger.clear_state()
        self._logger.append_keys(function_request_id=request_id)
        self._logger.set_correlation_id(correlation_id)
        if not self._has_begun:
            self._has_begun = True
            self.count(COLD_START)

    def event(self, message: str, **words: str | int | bool | None) -> None:
        """Log an event with a few words of this program."""
        self._logger.info(message, extra=dict(words))

    def problem(self, message: str, **words: str | int | bool | None) -> None:
        """Log what an operator should look at, and count it by its `reason`."""
        self._logger.error(message, extra=dict(words))
        self.count(PROBLEMS, reason=str(words.get("reason") or "error"))

    def fault(self, failure: BaseException) -> None:
        """Log an unexpected exception by type and place; its text could hold anything."""
        frames = traceback.extract_tb(failure.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        self._logger.error(
            "unexpected exception", extra={"exception": type(failure).__name__, "places": places}
        )
        self.count(PROBLEMS, reason="exception")

    def count(self, metric: str, *, reason: str | None = None, value: int = 1) -> None:
        """Add to a metric; with a reason to that of the reason, and to the one over all reasons.

        Nothing while Powertools' own setting `POWERTOOLS_METRICS_DISABLED` is true.
        """
        if is_metrics_disabled():
            return
        line = AmazonCloudWatchEMFProvider(
            namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or NAMESPACE,
            service=self._service,
        )
        line.add_metric(name=metric, unit=MetricUnit.Count, value=value)
        if reason is not None:
            line.add_dimensions(service=self._service, reason=reason)
        line.flush_metrics()


def observer(service: str) -> Observer:
    """The observer of one function; level and service name are Powertools' own settings."""
    return Observer(Logger(service=service, utc=True, location=None), service=service)


Span = Callable[[str], AbstractContextManager[None]]
"""Open an X-Ray subsegment of this name for as long as the context lasts."""


def no_span(name: str) -> AbstractContextManager[None]:
    """Do nothing: tracing is off."""
    return nullcontext()


def spans(environment: Mapping[str, str], *, service: str) -> Span:
    """Return how to open subsegments, which is nothing unless Powertools' own setting
    `POWERTOOLS_TRACE_DISABLED` is `false`. The X-Ray SDK is loaded only then.

    A subsegment carries its name alone: neither arguments nor the text of an exception is recorded,
    because either could hold a secret.
    """
    if environment.get("POWERTOOLS_TRACE_DISABLED", "true").strip().lower() != "false":
        return no_span
    from aws_lambda_powertools import Tracer

    tracer = Tracer(service=service, auto_patch=False)
    if tracer.disabled:
        return no_span  # outside of Lambda no daemon takes traces
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
