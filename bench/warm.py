"""Warm requests: time and CPU of each route, and its calls on the wire."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.subjects import (
    AUTHORIZER,
    EMPTY,
    EXPRESS,
    ONE_READ,
    OURS,
    TUTORIAL_COMPILED,
    Person,
    Subject,
)
from bench.timing import answers_ms, cpu_ms, resident_mb, spread
from bench.world import World
from harness.rie import Function, runtime_pid

Act = Callable[[], object]
TURN = 20
"""Requests of one subject before the next subject's turn."""


def warm_requests(
    subjects: dict[str, Subject], world: World, client: Path, *, requests: int
) -> dict[str, Any]:
    """Measure each repeatable route in milliseconds, with subjects in turn."""
    table = world.new_table()
    with ExitStack() as running:
        functions = {
            name: running.enter_context(subjects[name].running(world, table, client))
            for name in (EMPTY, ONE_READ, TUTORIAL_COMPILED, EXPRESS, OURS, AUTHORIZER)
            if name in subjects
        }
        acts = _acts(functions, world)
        for _, act in acts.values():
            act()
        wall: dict[str, list[float]] = {name: [] for name in acts}
        cpu: dict[str, float] = dict.fromkeys(acts, 0.0)
        for turn in range(requests // TURN + 1):
            for name, (function, act) in acts.items():
                pid, seen = runtime_pid(function), len(answers_ms(function, 0))
                before = cpu_ms(pid)
                for _ in range(TURN):
                    act()
                if turn > 0:  # the first turn warms up
                    cpu[name] += cpu_ms(pid) - before
                    wall[name] += answers_ms(function, seen + TURN)[seen : seen + TURN]
        return {
            "wall_ms": {name: spread(values) for name, values in wall.items()},
            "cpu_ms": {name: round(cpu[name] / len(wall[name]), 3) for name in acts},
            "resident_mb": {
                name: round(resident_mb(runtime_pid(function), peak=True), 1)
                for name, function in functions.items()
            },
        }


def journey_steps(
    subjects: dict[str, Subject], world: World, client: Path, *, journeys: int
) -> dict[str, Any]:
    """Measure sign-in, callback and sign-out, which cannot be repeated, in milliseconds."""
    result: dict[str, Any] = {}
    for name in (TUTORIAL_COMPILED, EXPRESS, OURS):
        if name not in subjects:
            continue
        with subjects[name].running(world, world.new_table(), client) as function:
            for _ in range(journeys + 2):
                person = Person(function, world)
                person.sign_in()
                person.sign_out()
            values = answers_ms(function, 3 * (journeys + 2))[6:]
        steps = ("sign-in", "callback", "sign-out")
        result[name] = {step: spread(values[n::3]) for n, step in enumerate(steps)}
    return result


def wire_costs(subjects: dict[str, Subject], world: World, client: Path) -> dict[str, Any]:
    """Count calls, bytes and capacity units of each step in a warm process."""
    result: dict[str, Any] = {}
    for name in (TUTORIAL_COMPILED, EXPRESS, OURS):
        if name not in subjects:
            continue
        table = world.new_table()
        with ExitStack() as running:
            function = running.enter_context(subjects[name].running(world, table, client))
            _whole_journey(Person(function, world))
            person = Person(function, world)
            steps: dict[str, Act] = _journey(person)
            if name == OURS:
                started = subjects[AUTHORIZER].running(world, table, client)
                steps = _with_authorizer(steps, person, running.enter_context(started))
            result[name] = {}
            for step, act in steps.items():
                world.clear()
                act()
                result[name][step] = _summed(world.counts())
    return result


def _acts(functions: dict[str, Function], world: World) -> dict[str, tuple[Function, Act]]:
    acts: dict[str, tuple[Function, Act]] = {}
    empty, ours = functions[EMPTY], functions[OURS]
    acts[EMPTY] = (empty, lambda: empty({}))
    reading = functions[ONE_READ]
    acts[ONE_READ] = (reading, lambda: reading({}))
    people: dict[str, Person] = {}
    for name in (TUTORIAL_COMPILED, EXPRESS, OURS):
        if name in functions:
            people[name] = Person(functions[name], world)
            people[name].sign_in()
            acts[f"{name}: home"] = (functions[name], people[name].home)
    acts[f"{OURS}: /me"] = (ours, people[OURS].me)
    if EXPRESS in functions:
        guest = Person(functions[EXPRESS], world)
        acts[f"{EXPRESS}: home, signed out"] = (
            functions[EXPRESS],
            lambda: guest.browser.get("/"),
        )
    stranger = Person(ours, world)
    acts[f"{OURS}: home, signed out"] = (ours, lambda: stranger.browser.get("/"))
    acts[f"{OURS}: stylesheet"] = (ours, lambda: stranger.browser.get("/assets/style.css"))
    acts[f"{OURS}: sign-in"] = (ours, lambda: Person(ours, world).start())
    authorizer, event = functions[AUTHORIZER], people[OURS].authorizer_event()
    acts[AUTHORIZER] = (authorizer, lambda: authorizer(event))
    return acts


def _whole_journey(person: Person) -> None:
    person.sign_in()
    person.home()
    person.sign_out()


def _journey(person: Person) -> dict[str, Act]:
    urls: list[str] = []
    return {
        "sign-in": lambda: urls.append(person.at_logto(person.start())),
        "callback": lambda: person.finish(urls[0]),
        "home": person.home,
        "sign-out": person.sign_out,
    }


def _with_authorizer(steps: dict[str, Act], person: Person, authorizer: Function) -> dict[str, Act]:
    sign_out = steps.pop("sign-out")
    return {
        **steps,
        "/me": person.me,
        "authorizer": lambda: authorizer(person.authorizer_event()),
        "sign-out": sign_out,
    }


def _summed(calls: list[dict[str, Any]]) -> dict[str, Any]:
    table = [call for call in calls if call["service"] == "table"]
    logto = [call for call in calls if call["service"] == "logto"]
    return {
        "table_calls": [call["name"] for call in table],
        "table_bytes": sum(call["sent"] + call["received"] for call in table),
        "read_units": sum(call["read_units"] for call in table),
        "write_units": sum(call["write_units"] for call in table),
        "new_table_connections": sum(call["new_connection"] for call in table),
        "logto_calls": [call["name"] for call in logto],
        "logto_bytes": sum(call["sent"] + call["received"] for call in logto),
        "new_logto_connections": sum(call["new_connection"] for call in logto),
    }
