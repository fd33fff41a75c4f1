"""Cold starts: INIT as the emulator reports it, and the first answer of a process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.subjects import (
    AUTHORIZER,
    AUTHORIZER_PLAIN,
    EMPTY,
    EXPRESS,
    ONE_READ,
    OURS,
    PLAIN,
    TUTORIAL,
    TUTORIAL_COMPILED,
    Person,
    Subject,
)
from bench.timing import answers_ms, cpu_ms, init_ms, resident_mb, spread
from bench.world import World
from harness.rie import Function, runtime_pid

Act = Callable[[], object]


def cold_starts(
    subjects: dict[str, Subject], world: World, client: Path, *, starts: int
) -> dict[str, Any]:
    """Measure INIT and the first answer of each page, `starts` times, with subjects in turn."""
    table = world.new_table()
    with ExitStack() as warm:
        jars = _signed_in(subjects, world, table, client, warm)
        return _measured(subjects, world, client, table, jars, starts)


def _measured(
    subjects: dict[str, Subject],
    world: World,
    client: Path,
    table: str,
    jars: dict[str, Any],
    starts: int,
) -> dict[str, Any]:
    init: dict[str, list[float]] = {name: [] for name in subjects}
    first: dict[str, dict[str, list[float]]] = {}
    memory: dict[str, list[float]] = {name: [] for name in subjects}
    cpu: dict[str, dict[str, list[float]]] = {}
    for _ in range(starts):
        for name, subject in subjects.items():
            for page in _pages(name):
                with subject.running(world, table, client) as function:
                    with _prepared(page, name, function, world, jars) as act:
                        act()
                    init[name].append(init_ms(function))
                    first.setdefault(name, {}).setdefault(page, []).append(
                        answers_ms(function, 1)[0]
                    )
                    pid = runtime_pid(function)
                    cpu.setdefault(name, {}).setdefault(page, []).append(cpu_ms(pid))
                    memory[name].append(resident_mb(pid, peak=True))
    return {
        "init_ms": {name: spread(values) for name, values in init.items()},
        "first_answer_ms": {
            name: {page: spread(values) for page, values in pages.items()}
            for name, pages in first.items()
        },
        "start_and_answer_ms": {
            name: {
                page: round(spread(init[name])["median"] + spread(values)["median"], 1)
                for page, values in pages.items()
            }
            for name, pages in first.items()
        },
        "cpu_ms": {
            name: {page: spread(values) for page, values in pages.items()}
            for name, pages in cpu.items()
        },
        "peak_mb": {name: round(max(values), 1) for name, values in memory.items()},
    }


def imports(subject: Subject, module: str) -> list[dict[str, Any]]:
    """Measure the import of a handler by top-level package: milliseconds of its own modules."""
    path = os.pathsep.join(str(p) for p in (subject.code, subject.layer) if p)
    environment = {
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LOGTO_ENDPOINT": "https://tenant.logto.app",
        "LOGTO_APP_ID": "app",
        "LOGTO_APP_SECRET": "secret",
        "TABLE_NAME": "sessions",
        "BASE_URL": "https://signin.example.test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(  # noqa: S603 - this interpreter itself
        [sys.executable, "-P", "-S", "-X", "importtime", "-c", f"import {module}"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    totals: dict[str, float] = {}
    for line in done.stderr.splitlines():
        if line.startswith("import time:") and "cumulative" not in line:
            own, _, name = line.removeprefix("import time:").split("|")
            top = name.strip().partition(".")[0]
            top = "standard library" if top in sys.stdlib_module_names else top
            totals[top] = totals.get(top, 0.0) + int(own) / 1000
    ordered = sorted(totals.items(), key=lambda pair: -pair[1])
    return [{"package": name, "ms": round(ms, 1)} for name, ms in ordered[:15]]


def _pages(name: str) -> tuple[str, ...]:
    if name in (AUTHORIZER, AUTHORIZER_PLAIN):
        return ("authorizer",) * 3  # as many starts as the others have
    if name in (EMPTY, ONE_READ):
        return ("empty",) * 3
    return ("home", "sign-in", "callback")


@contextmanager
def _prepared(
    page: str, name: str, function: Function, world: World, jars: dict[str, Any]
) -> Iterator[Act]:
    """Prepare a request to a cold function, with a warm function if one is needed before."""
    person = Person(function, world)
    if page == "empty":
        yield lambda: function({})
    elif page == "authorizer":
        person.browser.jar = dict(jars[OURS]["jar"])
        yield lambda: _allowed(function(person.authorizer_event()))
    elif page == "home":
        person.browser.jar = dict(jars[name]["jar"])
        yield person.home
    elif page == "sign-in":
        yield person.start
    else:
        warm = Person(jars[name]["function"], world)
        url = warm.at_logto(warm.start())
        person.browser.jar = dict(warm.browser.jar)
        yield lambda: person.finish(url)


def _allowed(answer: dict[str, Any]) -> None:
    if answer.get("isAuthorized") is not True:
        raise RuntimeError("the authorizer denied")


def _signed_in(
    subjects: dict[str, Subject], world: World, table: str, client: Path, warm: ExitStack
) -> dict[str, Any]:
    """Start a warm function of each subject, and sign in at it: functions and cookie jars."""
    jars: dict[str, Any] = {}
    for name in (TUTORIAL, TUTORIAL_COMPILED, EXPRESS, PLAIN, OURS):
        if name in subjects:
            function = warm.enter_context(subjects[name].running(world, table, client))
            person = Person(function, world)
            person.sign_in()
            jars[name] = {"function": function, "jar": person.browser.jar}
    return jars
