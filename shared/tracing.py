"""X-Ray subsegments through Powertools' Tracer: how long DynamoDB and Logto took, and nothing more.

Off unless `POWERTOOLS_TRACE_DISABLED` says otherwise. A subsegment carries its name alone: neither
arguments nor the text of an exception is recorded, because either could hold a secret.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

Span = Callable[[str], AbstractContextManager[None]]
"""Opens a subsegment of this name for as long as the context lasts."""


def no_span(name: str) -> AbstractContextManager[None]:
    """Tracing that is off."""
    return nullcontext()


def spans(environment: Mapping[str, str], *, service: str) -> Span:
    """Subsegments where tracing is on. The X-Ray SDK is loaded only then."""
    if environment.get("POWERTOOLS_TRACE_DISABLED", "true").strip().lower() != "false":
        return no_span
    from aws_lambda_powertools import Tracer

    tracer = Tracer(service=service, auto_patch=False)
    if tracer.disabled:
        return no_span  # outside of Lambda there is nobody to send traces to
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
