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
from collections.abc import Callable, Mapping
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from local.lambda_process import LambdaContext

_SPAWN = multiprocessing.get_context("spawn")


class InvocationFailed(Exception):
    """The handler raised, crashed, or, if `timed_out`, took too long."""

    def __init__(self, *, timed_out: bool = False) -> None:
        super().__init__("timed out" if timed_out else "failed")
        self.timed_out = timed_out


class DoesNotStart(Exception):
    """A handler cannot be imported; the text says why."""


class _Worker:
    """A process at the other end of a pipe, which is closed when this process ends."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, dict(variables)), daemon=True)
        # A Ctrl-C reaches every process of the terminal, but workers are ended by their parent. The
        # resource tracker has to run before, because starting it would lift the signal mask.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        self._process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def ask(self, handler: str, event: dict[str, Any] | None, seconds: float) -> Any:
        """Invoke a handler, or only import it if `event` is None. Raises InvocationFailed."""
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
    """A few workers with one version of the code. Thread-safe."""

    def __init__(self, variables: Mapping[str, str], *, count: int = 2) -> None:
        self._variables = variables
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._all: list[_Worker] = []
        self._count = count
        for _ in range(count):
            self._idle.put(self._started())

    def check(self, handlers: frozenset[str], *, seconds: float = 60) -> None:
        """Import every handler in every worker. Raises DoesNotStart."""
        taken = [self._idle.get() for _ in range(self._count)]
        for worker in taken:
            self._idle.put(worker)
            for handler in sorted(handlers):
                fault = worker.ask(handler, None, seconds)
                if fault is not None:
                    raise DoesNotStart(fault)

    def invoke(self, handler: str, event: dict[str, Any], *, seconds: float = 30) -> Any:
        """Invoke a handler; its answer. Raises InvocationFailed."""
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
        """Let each worker finish its event, and end it."""
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
    """Run a worker until the other end of the pipe is closed."""
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
            return f"The settings are not valid: {failure}"
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
