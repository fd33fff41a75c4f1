"""How costs grow with the table, a user's sessions, groups and resource tokens."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench.subjects import AUTHORIZER, OURS, Person, Subject
from bench.world import World, group, resource
from harness.rie import Function

ALL_SCOPES: Final = "email roles urn:logto:scope:organizations urn:logto:scope:organization_roles"


def with_sessions(
    subjects: dict[str, Subject], world: World, client: Path, sizes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Measure with tables of these sizes. The rows are written to moto's memory directly."""
    table = world.new_table()
    rows = []
    with subjects[OURS].running(world, table, client) as function:
        _warm(function, world)
        for size in sizes:
            world.fill(table, size)
            rows.append({"x": size, **_journey(function, world)})
    return rows


def with_sessions_of_a_user(
    subjects: dict[str, Subject], world: World, client: Path, sizes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Measure for a user with these numbers of sessions."""
    rows, signed_in = [], 0
    with subjects[OURS].running(world, world.new_table(), client) as function:
        for size in sizes:
            for _ in range(size - signed_in):
                Person(function, world).sign_in()
            signed_in = size
            rows.append({"x": size, **_journey(function, world)})
    return rows


def with_groups(
    subjects: dict[str, Subject], world: World, client: Path, sizes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Measure for a user in these numbers of Entra groups, eight of which are mapped."""
    known = " ".join(f"{group(n)}=team-{n}" for n in range(8))
    variables = {"ENTRA_GROUPS": known, "LOGTO_SCOPES": f"{ALL_SCOPES} identities"}
    rows = []
    subject = replace(subjects[OURS], variables=variables)
    with subject.running(world, world.new_table(), client) as function:
        _warm(function, world)
        for size in sizes:
            world.groups(size)
            rows.append({"x": size, **_journey(function, world)})
    world.groups(3)
    return rows


def with_resources(
    subjects: dict[str, Subject], world: World, client: Path, sizes: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Measure an authorizer call for a session with these numbers of stored access tokens."""
    most = max(sizes)
    world.resources(most)
    variables = {
        "LOGTO_RESOURCES": " ".join(resource(n) for n in range(most)),
        "LOGTO_SCOPES": f"{ALL_SCOPES} read:orders",
    }
    routes = {"ACCESS_TOKEN_ROUTES": " ".join(f"/r{n}={resource(n)}" for n in range(most))}
    table = world.new_table()
    rows, kept = [], 0
    with ExitStack() as running:
        signing = replace(subjects[OURS], variables=variables)
        asking = replace(subjects[AUTHORIZER], variables={**variables, **routes})
        function = running.enter_context(signing.running(world, table, client))
        authorizer = running.enter_context(asking.running(world, table, client))
        person = Person(function, world)
        person.sign_in()
        for size in sizes:
            for number in range(kept, size):
                _authorize(authorizer, person, number)
            kept = size
            world.clear()
            _authorize(authorizer, person, size - 1)
            rows.append({"x": size, "authorizer": _cost(world)})
    return rows


def _authorize(authorizer: Function, person: Person, number: int) -> None:
    answer = authorizer(person.authorizer_event(f"/r{number}"))
    if answer.get("isAuthorized") is not True:
        raise RuntimeError(f"denied: {authorizer.log[-500:]}")


def _warm(function: Function, world: World) -> None:
    person = Person(function, world)
    person.sign_in()
    person.home()
    person.sign_out()


def _journey(function: Function, world: World) -> dict[str, dict[str, float]]:
    person = Person(function, world)
    costs = {}
    url = ""
    world.clear()
    url = person.at_logto(person.start())
    costs["sign-in"] = _cost(world)
    person.finish(url)
    costs["callback"] = _cost(world)
    person.home()
    costs["home"] = _cost(world)
    person.sign_out()
    costs["sign-out"] = _cost(world)
    return costs


def _cost(world: World) -> dict[str, float]:
    calls = world.counts()
    world.clear()
    table = [call for call in calls if call["service"] == "table"]
    return {
        "calls": len(table),
        "bytes": sum(call["sent"] + call["received"] for call in table),
        "read_units": sum(call["read_units"] for call in table),
        "write_units": sum(call["write_units"] for call in table),
        "logto_calls": len(calls) - len(table),
    }
