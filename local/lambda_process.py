"""What every model of a Lambda process here is made of: variables, context, and a child process.

`local.environments` runs handlers in workers of its own, `harness.rie` under AWS's emulator of the
runtime interface, and `tests.snapshot.runtime` under the runtime's client with SnapStart.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class LambdaContext:
    """What a handler can read about its invocation. `deadline` is in seconds since 1970."""

    function_name: str
    deadline: float
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "512"
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:local"
    log_group_name: str = "/aws/lambda/local"
    log_stream_name: str = "local"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.time()) * 1000))


def runtime_variables(
    variables: Mapping[str, str], *, region: str = "us-east-1", version: str = "$LATEST"
) -> dict[str, str]:
    """The whole environment of a function's process: Lambda's variables, and the function's own."""
    return {
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "15",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **variables,
    }


class ChildFailed(Exception):
    """A child process ended, or took too long; the text is its output."""


class Child:
    """A child process in a group of its own, whose output a thread reads."""

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the caller's own program
            command,
            cwd=cwd,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """What the process has printed so far, standard output and error."""
        return "".join(self._lines)

    @property
    def ended(self) -> bool:
        """Whether the process has ended and all its output has been read."""
        return self._process.poll() is not None and not self._reader.is_alive()

    def wait_until(self, condition: Callable[[], bool], *, seconds: float = 60) -> None:
        """Wait for a condition. Raises ChildFailed if the process ends first, or takes too long."""
        deadline = time.monotonic() + seconds
        while not condition():
            # The condition may have become true with the last line of an ended process.
            if (self.ended and not condition()) or time.monotonic() > deadline:
                raise ChildFailed(self.log)
            time.sleep(_PAUSE_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, as a terminal does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def wait(self, *, seconds: float = 60) -> int:
        """Wait for the end of the process and of its output; the exit code.

        The output ends when every process that inherited it has ended. Raises ChildFailed if one
        is left, and subprocess.TimeoutExpired if the process itself goes on.
        """
        code = self._process.wait(timeout=seconds)
        self._reader.join(timeout=seconds)
        if self._reader.is_alive():
            raise ChildFailed(f"a process is left behind:\n{self.log}")
        return code

    def kill(self) -> None:
        """End the whole group at once."""
        self.signal(signal.SIGKILL)
        self.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.append(line)
