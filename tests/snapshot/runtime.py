"""Lambda's runtime API, as far as the runtime interface client uses it with SnapStart.

The client runs the hooks before it asks for `restore/next`; answering that request is the restore.
The runtime interface emulator starts no process with SnapStart, so this stands in for it.
"""

import json
import queue
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.lambda_process import Child, runtime_variables
from tests.support.http_server import Handler, serving_http

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(slots=True)
class Exchange:
    """What the runtime API passes to a process, and what it hears from it."""

    snapshot: threading.Event = field(default_factory=threading.Event)
    restored: threading.Event = field(default_factory=threading.Event)
    faults: list[dict[str, Any]] = field(default_factory=list)
    events: "queue.Queue[dict[str, Any] | None]" = field(default_factory=queue.Queue)
    answers: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A process of a function. Its snapshot is taken when `exchange.snapshot` is set."""

    process: Child
    exchange: Exchange

    def wait_for_snapshot(self) -> None:
        """Wait until the hooks before the snapshot have run. Raises ChildFailed."""
        self.process.wait_until(self.exchange.snapshot.is_set)

    def restore(self) -> None:
        """Restore the process from its snapshot."""
        self.exchange.restored.set()

    def __call__(self, event: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """Invoke the function. It takes the place of a handler."""
        self.exchange.events.put(event)
        return self.exchange.answers.get(timeout=15)

    @property
    def faults(self) -> list[dict[str, Any]]:
        """Errors that the process has reported."""
        return self.exchange.faults

    @property
    def log(self) -> str:
        return self.process.log


@contextmanager
def snap_started(handler: str, variables: Mapping[str, str]) -> Iterator[Runtime]:
    """Start a function for a snapshot, under the runtime interface client."""
    exchange = Exchange()
    with _api(exchange) as address:
        own = {
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            **variables,
        }
        process = Child(
            [sys.executable, "-m", "awslambdaric", handler],
            cwd=ROOT,
            env=runtime_variables(own, region="eu-central-1", version="1"),
        )
        try:
            yield Runtime(process, exchange)
        finally:
            exchange.restored.set()
            exchange.events.put(None)
            process.kill()


@contextmanager
def _api(exchange: Exchange) -> Iterator[str]:
    """Serve the runtime API while the context lasts; its address."""

    class Api(Handler):
        def do_GET(self) -> None:
            if self.path.endswith("/restore/next"):
                exchange.snapshot.set()
                exchange.restored.wait()
                return self.answer(200, b"{}")
            event = exchange.events.get()
            if event is None:
                return self.answer(500, b"{}")
            headers = {
                "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                "Lambda-Runtime-Deadline-Ms": "32503680000000",
                "Lambda-Runtime-Trace-Id": "Root=1-0-0;Parent=0;Sampled=0",
                "Content-Type": "application/json",
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:1:function:f:1",
            }
            self.answer(200, json.dumps(event).encode(), headers)

        def do_POST(self) -> None:
            body = json.loads(self.body())
            if self.path.endswith("/response"):
                exchange.answers.put(body)
            else:
                exchange.faults.append(body)
            self.answer(202, b"{}")

    with serving_http(Api) as url:
        yield url.removeprefix("http://")
