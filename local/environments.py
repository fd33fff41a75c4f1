"""Execution environments: processes that import a handler and serve one event at a time.

As in Lambda there are several, each is reused, none shares memory with another, and one that
crashes or takes too long is replaced.
"""

import importlib
import multiprocessing
import os
import queue
import signal
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

_SPAWN = multiprocessing.get_context("spawn")


class InvocationFailed(Exception):
    """The handler raised, crashed, or took too long; `timed_out` tells the last from the others."""

    def __init__(self, *, timed_out: bool = False) -> None:
        super().__init__("timed out" if timed_out else "failed")
        self.timed_out = timed_out


class DoesNotStart(Exception):
    """A handler that cannot be imported; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LambdaContext:
    """What a handler may ask about its invocation."""

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


class _Worker:
    """One process, spoken to over a pipe that ends with this process."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, dict(variables)), daemon=True)
        # A Ctrl-C reaches every process of the terminal: workers are for their parent to end. The
        # tracker must run before, as starting it would lift the mask.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        self._process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def ask(self, handler: str, event: dict[str, Any] | None, seconds: float) -> Any:
        """Invoke a handler, or import it where there is no event. Raises InvocationFailed."""
        try:
            self._connection.send((handler, event, time.time() + seconds))
            if not self._connection.poll(seconds):
                raise InvocationFailed(timed_out=True)
            return self._connection.recv()
        except (EOFError, OSError):
            raise InvocationFailed from None

    def stop(self) -> None:
        """End the process; it holds nothing that outlives it."""
        self._connection.close()
        self._process.terminate()
        self._process.join()
        self._process.close()


class Environments:
    """A few workers of one version of the code. Thread-safe."""

    def __init__(self, variables: Mapping[str, str], *, count: int = 2) -> None:
        self._variables = variables
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._all: list[_Worker] = []
        self._count = count
        for _ in range(count):
            self._idle.put(self._started())

    def check(self, handlers: frozenset[str], *, seconds: float = 60) -> None:
        """Import every handler in every worker. Raises DoesNotStart with what to mend."""
        taken = [self._idle.get() for _ in range(self._count)]
        for worker in taken:
            self._idle.put(worker)
            for handler in sorted(handlers):
                fault = worker.ask(handler, None, seconds)
                if fault is not None:
                    raise DoesNotStart(fault)

    def invoke(self, handler: str, event: dict[str, Any], *, seconds: float = 30) -> Any:
        """The handler's answer. Raises InvocationFailed."""
        try:
            worker = self._idle.get(timeout=seconds)
        except queue.Empty:
            raise InvocationFailed(timed_out=True) from None
        try:
            failed, answer = worker.ask(handler, event, seconds)
        except InvocationFailed:
            self._discard(worker)
            worker = self._started()
            raise
        finally:
            self._idle.put(worker)
        if failed:
            raise InvocationFailed
        return answer

    def stop(self) -> None:
        """Let each worker finish what it is at, and end it."""
        for _ in range(self._count):
            self._discard(self._idle.get())

    def kill(self) -> None:
        """End every worker at once."""
        for worker in list(self._all):
            self._discard(worker)

    def _started(self) -> _Worker:
        worker = _Worker(self._variables)
        self._all.append(worker)
        return worker

    def _discard(self, worker: _Worker) -> None:
        self._all.remove(worker)
        worker.stop()


def _serve(connection: Connection, variables: dict[str, str]) -> None:
    """The life of a worker: until the other end of the pipe is gone."""
    os.environ.update(variables)
    try:
        while True:
            handler, event, deadline = connection.recv()
            connection.send(_fault(handler) if event is None else _run(handler, event, deadline))
    except (EOFError, OSError):
        os._exit(0)


def _fault(handler: str) -> str | None:
    try:
        _load(handler)
    except Exception as failure:  # noqa: BLE001 - whatever the code under development raises
        if type(failure).__name__ == "SettingsInvalid":
            return f"The settings are not right: {failure}"
        return traceback.format_exc()
    return None


def _run(handler: str, event: dict[str, Any], deadline: float) -> tuple[bool, Any]:
    try:
        context = LambdaContext(function_name=handler, deadline=deadline)
        return False, _load(handler)(event, context)
    except Exception:  # noqa: BLE001 - whatever the code under development raises
        traceback.print_exc()
        return True, None


def _load(handler: str) -> Callable[[dict[str, Any], Any], Any]:
    module, _, name = handler.rpartition(".")
    function: Callable[[dict[str, Any], Any], Any] = getattr(importlib.import_module(module), name)
    return function
