"""`python -m local` as a program, for tests from outside."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.ports import free_ports
from local.lambda_process import Child

PORTS = ("PORT", "LOGTO_PORT", "API_PORT", "TABLE_PORT")
ROOT = Path(__file__).resolve().parent.parent.parent


class Up:
    """The program, in a process group of its own."""

    def __init__(
        self, variables: dict[str, str], *, root: Path = ROOT, python: tuple[str, ...] = ()
    ) -> None:
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LOGTO_")}
        environment |= {name: str(port) for name, port in self.ports.items()}
        self._child = Child(
            [sys.executable, *python, "-m", "local"], cwd=root, env={**environment, **variables}
        )

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports['PORT']}"

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def output(self) -> str:
        return self._child.log

    def wait_for(self, text: str, *, times: int = 1) -> None:
        """Wait until the program has printed a text that many times."""
        self._child.wait_until(lambda: self.output.count(text) >= times, seconds=90)

    def end(self, how: signal.Signals) -> int:
        """Signal the whole group, as a terminal does, and return the exit code."""
        self._child.signal(how)
        return self.finish()

    def finish(self) -> int:
        """Wait for the end of the program and of all its processes, and return the exit code."""
        return self._child.wait()

    def kill(self) -> None:
        """End the program at once, if it has not ended yet."""
        self._child.kill()


@contextmanager
def up(
    variables: dict[str, str] | None = None, *, root: Path = ROOT, python: tuple[str, ...] = ()
) -> Iterator[Up]:
    """Run the program while the context lasts, with these options of the interpreter."""
    program = Up(variables or {}, root=root, python=python)
    try:
        yield program
    finally:
        program.kill()
