"""AWS's runtime interface emulator, with the runtime's own client, over built artifacts alone."""

import contextlib
import importlib.util
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.needs import lacking


class Function:
    """A function that runs in the emulator; `log` is what it has printed, and `pid` the emulator's
    process, whose child the runtime is."""

    def __init__(self, url: str, lines: list[str], pid: int) -> None:
        self._url = url
        self._lines = lines
        self.pid = pid

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def __call__(self, event: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """Invoke it; usable where a handler is."""
        answer: dict[str, Any] = httpx.post(
            self._url, json=event, timeout=60, trust_env=False
        ).json()
        return answer


def emulator() -> Path:
    """The emulator's program, which the SAM CLI brings along."""
    found = importlib.util.find_spec("samcli")
    if found is None or not found.submodule_search_locations:
        lacking("the SAM CLI, which brings the runtime interface emulator, is not installed")
    arm = platform.machine().lower() in ("arm64", "aarch64")
    name = f"aws-lambda-rie-{'arm64' if arm else 'x86_64'}"
    return Path(next(iter(found.submodule_search_locations))) / "local" / "rapid" / name


@contextmanager
def emulated(
    handler: str,
    code: Path,
    layer: Path,
    client: Path,
    variables: Mapping[str, str],
    *,
    runtime: tuple[str, ...] = (sys.executable, "-P", "-S", "-m", "awslambdaric"),
) -> Iterator[Function]:
    """Run a handler as Lambda does. `client` is a folder with awslambdaric and nothing else;
    `runtime` is the command of another runtime's client."""
    port, runtime_port = _free_port(), _free_port()
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, (code, layer, client))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "15",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **variables,
    }
    process = subprocess.Popen(  # noqa: S603 - the emulator of this environment
        [
            *(str(emulator()), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
            *(*runtime, handler),
        ],
        cwd=code,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=_read, args=(process, lines))
    reader.start()
    try:
        _wait(port)
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        yield Function(url, lines, process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join()


def runtime_pid(function: Function) -> int:
    """The process that runs the handler: the emulator's child, after the first event."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == function.pid:
                return int(path.parent.name)
    raise ProcessLookupError("the emulator has no child yet")


def _read(process: "subprocess.Popen[str]", lines: list[str]) -> None:
    assert process.stdout is not None
    lines.extend(process.stdout)
    process.stdout.close()


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.05)
    raise AssertionError("the emulator does not listen")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
