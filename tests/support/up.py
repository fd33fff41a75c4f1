"""`python -m local` as a program, for tests from outside."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PORTS = ("PORT", "LOGTO_PORT", "API_PORT", "TABLE_PORT")
ROOT = Path(__file__).resolve().parent.parent.parent


class Up:
    """The program, in a process group of its own."""

    def __init__(self, variables: dict[str, str], *, root: Path = ROOT) -> None:
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LOGTO_")}
        environment |= {name: str(port) for name, port in self.ports.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local"],
            cwd=root,
            env={**environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports['PORT']}"

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, text: str) -> None:
        """Until the program has printed a text."""
        with self._changed:
            if not self._changed.wait_for(lambda: text in self.output or self._over, timeout=90):
                raise AssertionError(f"{text!r} was not printed:\n{self.output}")
        assert text in self.output, self.output

    def end(self, how: signal.Signals) -> int:
        """Signal the whole group, as a terminal does, and wait for the end."""
        os.killpg(self.process.pid, how)
        return self.finish()

    def finish(self) -> int:
        code = self.process.wait(timeout=60)
        self._reader.join(timeout=60)  # at its end, no process holds the output any more
        assert not self._reader.is_alive(), "a process is left"
        return code

    @property
    def _over(self) -> bool:
        return self.process.poll() is not None and not self._reader.is_alive()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        self.process.stdout.close()
        with self._changed:
            self._changed.notify_all()


def free_ports(count: int) -> list[int]:
    """Ports that are free at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


@contextmanager
def up(variables: dict[str, str] | None = None, *, root: Path = ROOT) -> Iterator[Up]:
    program = Up(variables or {}, root=root)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.end(signal.SIGKILL)
        program.finish()
