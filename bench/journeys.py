"""Whole journeys of many browsers at once, and a soak test."""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.subjects import EXPRESS, OURS, TUTORIAL_COMPILED, Person, Subject
from bench.timing import answers_ms, cpu_ms, resident_mb, spread
from bench.world import World
from harness.rie import Function, runtime_pid

ENVIRONMENTS = 2
"""Execution environments of a subject. Each answers one event at a time, as in Lambda."""


class Pool:
    """Execution environments, for which requests wait in a queue."""

    def __init__(self, functions: list[Function]) -> None:
        self.functions = functions
        self._free: queue.Queue[Function] = queue.Queue()
        for function in functions:
            self._free.put(function)

    def __call__(self, event: dict[str, Any], context: Any = None) -> dict[str, Any]:
        function = self._free.get()
        try:
            return function(event, context)
        finally:
            self._free.put(function)


def throughput(
    subjects: dict[str, Subject], world: World, client: Path, *, browsers: int, journeys: int
) -> dict[str, Any]:
    """Let browsers sign in, open the home page and sign out, until all journeys are done."""
    result: dict[str, Any] = {}
    for name in (TUTORIAL_COMPILED, EXPRESS, OURS):
        if name not in subjects:
            continue
        with _pool(subjects[name], world, client) as pool:
            _together(pool, world, browsers=2, journeys=4)  # warm
            before = _cpu(pool)
            took, seconds = _together(pool, world, browsers=browsers, journeys=journeys)
            result[name] = {
                "sign_ins_per_second": round(len(took) / seconds, 2),
                "cpu_seconds_per_thousand": round((_cpu(pool) - before) / len(took), 2),
                "journey_ms": spread([value * 1000 for value in took]),
            }
    return result


def soak(
    subjects: dict[str, Subject], world: World, client: Path, *, seconds: float
) -> dict[str, Any]:
    """Send mixed traffic to one environment: memory before and after, latency over time."""
    with subjects[OURS].running(world, world.new_table(), client) as function:
        for _ in range(20):
            _mixed(function, world)
        pid = runtime_pid(function)
        started, seen = time.monotonic(), len(answers_ms(function, 0))
        before = resident_mb(pid)
        samples: list[dict[str, float]] = []
        while time.monotonic() - started < seconds:
            chunk = time.monotonic()
            while time.monotonic() - chunk < max(seconds / 60, 1):
                _mixed(function, world)
            values = answers_ms(function, seen + 1)[seen:]
            seen += len(values)
            figures = spread(values)
            samples.append(
                {
                    "second": round(time.monotonic() - started, 1),
                    "median_ms": figures["median"],
                    "p99_ms": figures["p99"],
                    "resident_mb": round(resident_mb(pid), 2),
                }
            )
        return {
            "requests": seen,
            "memory_before_mb": round(before, 2),
            "memory_after_mb": round(resident_mb(pid), 2),
            "samples": samples,
        }


def _mixed(function: Function, world: World) -> None:
    """Sign in, open pages with and without a session, and sign out."""
    person = Person(function, world)
    person.sign_in()
    for _ in range(3):
        person.home()
    person.me()
    Person(function, world).browser.get("/")
    person.sign_out()


@contextmanager
def _pool(subject: Subject, world: World, client: Path) -> Iterator[Pool]:
    table = world.new_table()
    with ExitStack() as running:
        yield Pool(
            [
                running.enter_context(subject.running(world, table, client))
                for _ in range(ENVIRONMENTS)
            ]
        )


def _cpu(pool: Pool) -> float:
    return sum(cpu_ms(runtime_pid(function)) for function in pool.functions)


def _together(
    pool: Pool, world: World, *, browsers: int, journeys: int
) -> tuple[list[float], float]:
    """Run journeys in parallel: the seconds of each, and of all together."""
    left = list(range(journeys))
    took: list[float] = []
    failures: list[Exception] = []
    lock = threading.Lock()

    def browse() -> None:
        while True:
            with lock:
                if not left or failures:
                    return
                left.pop()
            began = time.perf_counter()
            try:
                person = Person(pool, world)
                person.sign_in()
                person.home()
                person.sign_out()
            except Exception as failure:  # noqa: BLE001 - raised by the caller
                failures.append(failure)
                return
            took.append(time.perf_counter() - began)

    threads = [threading.Thread(target=browse) for _ in range(browsers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return took, time.perf_counter() - began
