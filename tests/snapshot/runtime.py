"""Lambda's runtime API, as far as the runtime interface client uses it with SnapStart.

The client runs the hooks before it asks for `restore/next`; what is answered there is the restore.
The runtime interface emulator starts no process with SnapStart, so this stands in for it.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(slots=True)
class Runtime:
    """A process of a function. Its snapshot is taken once `snapshot` is set."""

    process: "subprocess.Popen[str] | None" = None
    snapshot: threading.Event = field(default_factory=threading.Event)
    restored: threading.Event = field(default_factory=threading.Event)
    faults: list[dict[str, Any]] = field(default_factory=list)
    events: "queue.Queue[dict[str, Any] | None]" = field(default_factory=queue.Queue)
    answers: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)
    lines: list[str] = field(default_factory=list)

    def wait_for_snapshot(self) -> None:
        """Until the client has run what comes before the snapshot, or has ended."""
        while not self.snapshot.wait(0.05):
            assert self.process is not None
            assert self.process.poll() is None, "".join(self.lines)

    def restore(self) -> None:
        self.restored.set()

    def __call__(self, event: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """Invoke the function; usable where a handler is."""
        self.events.put(event)
        return self.answers.get(timeout=15)

    @property
    def log(self) -> str:
        return "".join(self.lines)


@contextmanager
def snap_started(handler: str, variables: Mapping[str, str]) -> Iterator[Runtime]:
    """Start a function for a snapshot, under the runtime interface client."""
    runtime = Runtime()

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.endswith("/restore/next"):
                runtime.snapshot.set()
                runtime.restored.wait()
                return self._answer(200, b"{}")
            event = runtime.events.get()
            if event is None:
                return self._answer(500, b"{}")
            headers = {
                "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                "Lambda-Runtime-Deadline-Ms": "32503680000000",
                "Lambda-Runtime-Trace-Id": "Root=1-0-0;Parent=0;Sampled=0",
                "Content-Type": "application/json",
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:1:function:f:1",
            }
            self._answer(200, json.dumps(event).encode(), headers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            if self.path.endswith("/response"):
                runtime.answers.put(json.loads(body))
            else:
                runtime.faults.append(json.loads(body))
            self._answer(202, b"{}")

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str] = {}) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A process that ends leaves its last request unanswered."""

    server = Server(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    runtime.process = subprocess.Popen(
        [sys.executable, "-m", "awslambdaric", handler],
        cwd=ROOT,
        env={
            "PATH": os.defpath,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    reading = threading.Thread(target=_read, args=(runtime,))
    reading.start()
    try:
        yield runtime
    finally:
        runtime.restored.set()
        runtime.events.put(None)
        runtime.process.kill()
        runtime.process.wait()
        reading.join()
        server.shutdown()
        serving.join()
        server.server_close()


def _read(runtime: Runtime) -> None:
    assert runtime.process is not None
    assert runtime.process.stdout is not None
    runtime.lines.extend(runtime.process.stdout)
    runtime.process.stdout.close()
