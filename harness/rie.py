"""AWS's runtime interface emulator, with the runtime's own client, over built artifacts alone."""

import contextlib
import importlib.util
import os
import platform
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from harness.missing import ProgramMissing
from harness.ports import free_ports
from local.lambda_process import Child, runtime_variables

_PYTHON: Final = (sys.executable, "-P", "-S", "-m", "awslambdaric")


class Function:
    """A function that runs in the emulator, whose child process the runtime is."""

    def __init__(self, url: str, emulator: Child) -> None:
        self._url = url
        self._emulator = emulator

    @property
    def pid(self) -> int:
        """The emulator's process."""
        return self._emulator.pid

    @property
    def log(self) -> str:
        """What the emulator and the function have printed."""
        return self._emulator.log

    def __call__(self, event: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """Invoke the function. It takes the place of a handler."""
        answer: dict[str, Any] = httpx.post(
            self._url, json=event, timeout=60, trust_env=False
        ).json()
        return answer


def emulator_program() -> Path:
    """Find the emulator, which the SAM CLI brings along. Raises ProgramMissing."""
    found = importlib.util.find_spec("samcli")
    if found is None or not found.submodule_search_locations:
        raise ProgramMissing(
            "the SAM CLI, which brings the runtime interface emulator, is not installed"
        )
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
    runtime: tuple[str, ...] = _PYTHON,
) -> Iterator[Function]:
    """Run a handler as Lambda does. Raises ProgramMissing.

    `client` is a folder with awslambdaric and nothing else; `runtime` is the command that runs the
    client of the function's runtime.
    """
    port, runtime_port = free_ports(2)
    command = [
        *(str(emulator_program()), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
        *(*runtime, handler),
    ]
    path = os.pathsep.join(map(str, (code, layer, client)))
    emulator = Child(command, cwd=code, env=runtime_variables({"PYTHONPATH": path, **variables}))
    try:
        emulator.wait_until(lambda: _listens(port), seconds=10)
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        yield Function(url, emulator)
    finally:
        emulator.kill()


def runtime_pid(function: Function) -> int:
    """Find the process that runs the handler, the emulator's child, after the first event."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == function.pid:
                return int(path.parent.name)
    raise ProcessLookupError("the emulator has no child yet")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
